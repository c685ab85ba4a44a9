//! MD5, SHA1, SHA2.

use holdfast_value::Value;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("md5", 1, 1, infer::text_n::<32>, |x: &mut In<'_>| hashed::<Md5>(x)),
    pure!("sha1", 1, 1, infer::text_n::<40>, |x: &mut In<'_>| hashed::<Sha1>(x)),
    pure!("sha2", 2, 2, infer::text_n::<128>, sha2),
];

fn hashed<D: Digest>(x: &mut In<'_>) -> Out {
    let bytes = get!(x.bytes(0));
    Ok(Value::text(hex::encode(D::digest(&*bytes))))
}

fn sha2(x: &mut In<'_>) -> Out {
    match get!(x.int(1)) {
        0 | 256 => hashed::<Sha256>(x),
        224 => hashed::<Sha224>(x),
        384 => hashed::<Sha384>(x),
        512 => hashed::<Sha512>(x),
        other => {
            x.ctx.warn(crate::string::code::bad_value("hash length", &other.to_string(), "sha2"));
            Ok(Value::Null)
        }
    }
}
