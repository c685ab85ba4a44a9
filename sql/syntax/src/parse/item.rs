//! The texts of a select list's items: what MySQL calls columns that have no name.
//!
//! Not here: queries that do not begin with SELECT, and those inside of others; their
//! columns are called as `sqlparser` prints them.

use sqlparser::ast::{Expr, Query, SelectItem, SetExpr};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::statement::Select;

/// Where an item begins and ends in the source. [bytes]
type Place = (usize, usize);

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

fn is_option(token: &Token) -> bool {
    const OPTIONS: [&str; 10] = [
        "ALL",
        "DISTINCT",
        "DISTINCTROW",
        "HIGH_PRIORITY",
        "STRAIGHT_JOIN",
        "SQL_SMALL_RESULT",
        "SQL_BIG_RESULT",
        "SQL_BUFFER_RESULT",
        "SQL_NO_CACHE",
        "SQL_CALC_FOUND_ROWS",
    ];
    match token {
        Token::Word(word) if word.quote_style.is_none() => {
            OPTIONS.iter().any(|option| word.value.eq_ignore_ascii_case(option))
        }
        _ => false,
    }
}

fn ends_list(token: &Token) -> bool {
    matches!(
        keyword(token),
        Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::WINDOW
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::FOR
            | Keyword::INTO
    )
}

/// Where the items of a SELECT are.
pub(super) fn spans(tokens: &[TokenWithSpan]) -> Vec<Place> {
    let mut places = Vec::new();
    if tokens.first().is_none_or(|token| keyword(&token.token) != Keyword::SELECT) {
        return places;
    }
    let offset = |column: u64| usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let mut depth = 0_usize;
    let mut open: Option<Place> = None;
    for token in tokens[1..].iter().skip_while(|token| is_option(&token.token)) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => {
                places.extend(open.take());
                continue;
            }
            Token::EOF | Token::SemiColon => break,
            other if depth == 0 && ends_list(other) => break,
            _ => {}
        }
        let (start, end) = (offset(token.span.start.column), offset(token.span.end.column));
        open = Some((open.map_or(start, |(first, _)| first), end));
    }
    places.extend(open);
    places
}

/// Keeps the texts, where the list is what it was taken for.
pub(super) fn keep(select: &mut Select, places: &[Place], source: &[u8]) {
    let text = |place: &Place| {
        String::from_utf8_lossy(source.get(place.0..place.1).unwrap_or_default()).into_owned()
    };
    match list(&mut select.query) {
        Some(items) if items.len() == places.len() && items.iter().any(is_unnamed) => {
            select.items = places.iter().map(text).collect();
        }
        _ => {}
    }
}

/// The select list that names a query's columns.
fn list(query: &mut Query) -> Option<&mut Vec<SelectItem>> {
    let mut body = &mut *query.body;
    loop {
        match body {
            SetExpr::Select(select) => return Some(&mut select.projection),
            SetExpr::SetOperation { left, .. } => body = left,
            _ => return None,
        }
    }
}

fn is_unnamed(item: &SelectItem) -> bool {
    let SelectItem::UnnamedExpr(mut expr) = item.clone() else { return false };
    while let Expr::Nested(inner) = expr {
        expr = *inner;
    }
    !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_))
}

impl Select {
    /// The query, with names for all of its columns.
    pub fn named(&self) -> Query {
        let mut query = (*self.query).clone();
        if let Some(items) = list(&mut query)
            && items.len() == self.items.len()
        {
            for (item, text) in items.iter_mut().zip(&self.items) {
                if is_unnamed(item)
                    && let SelectItem::UnnamedExpr(expr) = item
                {
                    let alias = sqlparser::ast::Ident::with_quote('`', text.clone());
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
            }
        }
        query
    }
}
