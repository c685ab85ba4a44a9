//! Writes XML. Reading it is s3s's part.
//!
//! Not s3s's writer, because a page of 1,000 keys through its DTOs allocates
//! several strings a key; this one appends to a single buffer.

use std::fmt::Write;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document under construction.
#[derive(Debug)]
pub(super) struct Xml(String);

impl Xml {
    /// `<root xmlns=..>`, with room for `capacity` bytes.
    pub(super) fn document(root: &str, capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity.max(256));
        text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        text.push_str(root);
        text.push_str(" xmlns=\"");
        text.push_str(NAMESPACE);
        text.push_str("\">");
        Self(text)
    }

    pub(super) fn open(&mut self, tag: &str) {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push('>');
    }

    pub(super) fn close(&mut self, tag: &str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// `<tag>text</tag>`, escaped.
    pub(super) fn text(&mut self, tag: &str, text: &str) {
        self.open(tag);
        escape_into(&mut self.0, text);
        self.close(tag);
    }

    /// As [`Xml::text`] where there is one.
    pub(super) fn optional(&mut self, tag: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(tag, text);
        }
    }

    /// `<tag>value</tag>` of something that needs no escaping: numbers, booleans.
    pub(super) fn plain(&mut self, tag: &str, value: impl std::fmt::Display) {
        self.open(tag);
        // Writing to a String does not fail.
        let _ = write!(self.0, "{value}");
        self.close(tag);
    }

    /// Text that is XML already.
    pub(super) fn raw(&mut self, xml: &str) {
        self.0.push_str(xml);
    }

    /// The buffer, for appending in place.
    pub(super) fn buffer(&mut self) -> &mut String {
        &mut self.0
    }

    /// Closes the root.
    pub(super) fn finish(mut self, root: &str) -> String {
        self.close(root);
        self.0
    }
}

/// Markup and control characters as references. XML 1.0 has no way to say most
/// control characters; S3 writes the reference all the same, and clients that
/// care ask for `encoding-type=url`.
pub(super) fn escape_into(out: &mut String, text: &str) {
    let special = |b: u8| b < 0x20 || matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'' | 0x7f);
    let mut rest = text;
    while let Some(at) = rest.bytes().position(special) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'&' => out.push_str("&amp;"),
            b'<' => out.push_str("&lt;"),
            b'>' => out.push_str("&gt;"),
            b'"' => out.push_str("&quot;"),
            b'\'' => out.push_str("&apos;"),
            control => {
                let _ = write!(out, "&#x{control:x};");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut xml = Xml::document("R", 0);
        xml.text("Key", "a<&>\"'\u{1}\r\u{e9}z");
        assert!(
            xml.finish("R").ends_with("<Key>a&lt;&amp;&gt;&quot;&apos;&#x1;&#xd;\u{e9}z</Key></R>")
        );
    }
}
