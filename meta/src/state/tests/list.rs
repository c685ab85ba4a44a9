//! Listings against a naive one, over keys with every byte.

use bytes::Bytes;
use holdfast_api::meta::{Answer, Command, ListObjects, ListUploads, Listing, Query, Upload};
use holdfast_base::{BucketId, SessionId, Tick, UploadId, WallMs};
use holdfast_io::rng::SeededRng;

use super::model::object;
use super::rng;
use crate::state::{Entry, Op, Step, Store, query};

/// Few letters, so that prefixes and delimiters meet; now and then any byte.
fn text(rng: &SeededRng, longest: u64) -> Vec<u8> {
    let letter = |_| match rng.below(8) {
        0 => rng.below(256) as u8,
        1 => 0,
        2 => 0xff,
        3 | 4 => b'/',
        other => b'a' + other as u8,
    };
    (0..rng.below(longest + 1)).map(letter).collect()
}

/// The page as the definition has it.
fn naive(keys: &[Vec<u8>], list: &ListObjects) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, bool) {
    let (mut entries, mut prefixes) = (Vec::new(), Vec::<Vec<u8>>::new());
    for key in keys {
        let Some(rest) = key.strip_prefix(&list.prefix[..]) else { continue };
        let at = (!list.delimiter.is_empty())
            .then(|| rest.windows(list.delimiter.len()).position(|w| w == &list.delimiter[..]))
            .flatten();
        let shown = match at {
            Some(at) => &key[..list.prefix.len() + at + list.delimiter.len()],
            None => key,
        };
        let is_after = list.after.is_empty() || shown > &list.after[..];
        if !is_after || at.is_some() && prefixes.last().is_some_and(|last| last == shown) {
            continue;
        }
        if entries.len() + prefixes.len() >= list.limit {
            return (entries, prefixes, list.limit > 0);
        }
        if at.is_some() { prefixes.push(shown.to_vec()) } else { entries.push(shown.to_vec()) }
    }
    (entries, prefixes, false)
}

fn load(store: &Store, commands: Vec<Command>) {
    let session = SessionId([3; 16]);
    let mut ops = vec![Op::OpenSession { session, log_budget: 0 }];
    for (seq, command) in (1..).zip(commands) {
        ops.push(Op::Command { session, seq, acked: seq - 1, command });
    }
    let ops: Vec<Vec<u8>> = ops.iter().map(Op::encode).collect();
    let bytes = Entry::encode(Tick(1), ops.iter().map(Vec::as_slice)).into();
    store.apply(vec![Step::Entry { index: 1, bytes }], b"").unwrap();
}

fn ask<T>(store: &Store, query: Query, pick: impl Fn(Answer) -> Option<Listing<T>>) -> Listing<T> {
    pick(query::answer(&store.view().unwrap(), &query).unwrap().unwrap()).unwrap()
}

#[test]
fn listings_agree_with_a_naive_one_over_keys_with_every_byte() {
    let mut pages = 0;
    for seed in holdfast_sim::seeds(40) {
        let rng = rng(seed);
        let mut keys: Vec<Vec<u8>> =
            (0..120).map(|_| text(&rng, 7)).filter(|key| !key.is_empty()).collect();
        keys.sort();
        keys.dedup();
        let store = Store::in_memory();
        let mut commands = vec![Command::CreateBucket { name: "b".into(), now: WallMs(1) }];
        for key in &keys {
            commands.push(object(BucketId(1), key, 10));
        }
        load(&store, commands);
        for _ in 0..60 {
            let mut list = ListObjects {
                bucket: BucketId(1),
                prefix: text(&rng, 2).into(),
                delimiter: if rng.one_in(3) { Bytes::new() } else { text(&rng, 2).into() },
                after: if rng.one_in(2) { Bytes::new() } else { text(&rng, 4).into() },
                limit: rng.below(9) as usize,
            };
            // Page by page to the end.
            for _ in 0..200 {
                let page = ask(&store, Query::ListObjects(list.clone()), |answer| match answer {
                    Answer::Listing(page) => Some(page),
                    _ => None,
                });
                let found: Vec<Vec<u8>> =
                    page.entries.iter().map(|(key, _)| key.to_vec()).collect();
                let rolled: Vec<Vec<u8>> = page.prefixes.iter().map(|p| p.to_vec()).collect();
                let want = naive(&keys, &list);
                assert_eq!((found, rolled, page.truncated), want, "seed {seed}: {list:?}");
                pages += 1;
                if !page.truncated {
                    break;
                }
                list.after = page.next;
            }
        }
    }
    println!("listings: {pages} pages");
}

#[test]
fn uploads_are_listed_by_key_then_by_id_and_pages_follow_one_another() {
    for seed in holdfast_sim::seeds(30) {
        let rng = rng(seed);
        let store = Store::in_memory();
        let mut commands = vec![Command::CreateBucket { name: "b".into(), now: WallMs(1) }];
        let mut all = Vec::new();
        for n in 0..60u8 {
            let key = text(&rng, 3);
            if key.is_empty() {
                continue;
            }
            let id = UploadId([n.wrapping_mul(37); 16]);
            all.push((key.clone(), id));
            commands.push(Command::CreateUpload(Upload {
                id,
                bucket: BucketId(1),
                key: key.into(),
                initiated: WallMs(3),
                attributes: Default::default(),
                checksum: None,
            }));
        }
        all.sort();
        load(&store, commands);
        for prefix in [vec![], text(&rng, 1)] {
            let (mut list, mut found) = (ListUploads::default(), Vec::new());
            (list.bucket, list.prefix, list.limit) = (BucketId(1), prefix.clone().into(), 7);
            for _ in 0..100 {
                let page = ask(&store, Query::ListUploads(list.clone()), |answer| match answer {
                    Answer::Uploads(page) => Some(page),
                    _ => None,
                });
                found.extend(page.entries.iter().map(|(key, upload)| (key.to_vec(), upload.id)));
                if !page.truncated {
                    break;
                }
                list.after = page.next;
                list.after_upload = page.entries.last().map(|(_, upload)| upload.id);
            }
            let want: Vec<_> =
                all.iter().filter(|(k, _)| k.starts_with(&prefix)).cloned().collect();
            assert_eq!(found, want, "seed {seed}");
        }
    }
}
