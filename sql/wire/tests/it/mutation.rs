//! No bytes make the server panic (W1): recorded and made-up packets, changed at random.

use std::sync::Arc;

use holdfast_io::rng::SeededRng;
use holdfast_wire::{LongData, params};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::client::{Client, Served, Who, config, connect};
use crate::golden::RECORDED;

/// Changes a few places: bytes, lengths, ends.
fn mutate(bytes: &mut Vec<u8>, rng: &SeededRng) {
    const EDGES: &[u8] = &[0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];
    for _ in 0..rng.between(1, 4) {
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(5) {
            0 if !bytes.is_empty() => bytes[at] = *rng.pick(EDGES),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, *rng.pick(EDGES)),
            _ => bytes.extend((0..rng.below(20)).map(|_| *rng.pick(EDGES))),
        }
    }
}

/// Sends `bytes`, ends the stream, reads what comes, and wants the server alive.
async fn survive((stream, served): (DuplexStream, Served), bytes: &[u8], what: &str) {
    let (mut read, mut write) = tokio::io::split(stream);
    let send = async {
        let _ = write.write_all(bytes).await;
        let _ = write.shutdown().await;
    };
    let mut sink = Vec::new();
    let ((), _) = tokio::join!(send, read.read_to_end(&mut sink));
    assert!(served.await.is_ok(), "{what}: the server panicked");
}

#[test]
fn no_login_makes_the_server_panic() {
    holdfast_sim::run(async {
        for seed in 0..800 {
            let rng = SeededRng::new(seed);
            let (name, text) = rng.pick(RECORDED);
            // RSA takes its time: seldom.
            if name.contains("rsa") && !rng.one_in(10) {
                continue;
            }
            let lines = text.lines().filter_map(|line| line.strip_prefix("client "));
            let mut packets: Vec<Vec<u8>> = lines.map(|line| hex::decode(line).unwrap()).collect();
            let at = rng.below(packets.len().min(3) as u64) as usize;
            let mut payload = packets[at].split_off(4);
            mutate(&mut payload, &rng);
            if rng.one_in(4) {
                mutate(&mut packets[at], &rng);
            } else {
                packets[at][..3].copy_from_slice(&(payload.len() as u32).to_le_bytes()[..3]);
            }
            packets[at].extend_from_slice(&payload);
            let connection = connect(&Arc::new(config()), 1);
            survive(connection, &packets.concat(), &format!("{name}, seed {seed}")).await;
        }
    });
}

const COMMANDS: &[&[u8]] = &[
    b"\x03select 1",
    b"\x03load 'x'",
    b"\x02db",
    b"\x04table\0wild%",
    b"\x09",
    b"\x0c\x01\0\0\0",
    b"\x0e",
    b"\x11sha\0\x04fakedb\0\xff\0caching_sha2_password\0\x06\x02_a\x02bc",
    b"\x16select ?, ?, ?",
    b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x03\0\x0c\0\xfd\0\x07\0\0\0\x04\xe8\x07\x02\x1d\x02ab",
    b"\x17\x01\0\0\0\x01\x01\0\0\0\0\0\x07\0\0\0\0\0",
    b"\x18\x01\0\0\0\x02\0long",
    b"\x19\x01\0\0\0",
    b"\x1a\x01\0\0\0",
    b"\x1b\x01\0",
    b"\x1c\x01\0\0\0\x05\0\0\0",
    b"\x1f",
];

#[test]
fn no_command_makes_the_server_panic() {
    holdfast_sim::run(async {
        let shared = Arc::new(config());
        for seed in 0..2000 {
            let rng = SeededRng::new(seed);
            let (stream, served) = connect(&shared, 1);
            let mut client = Client::new(stream);
            let who = Who { user: "open", password: "", ..Who::default() };
            assert_eq!(client.log_in(&who).await[0], 0);
            let mut bytes = b"\x0f\0\0\0\x16select ?, ?, ?".to_vec();
            for _ in 0..10 {
                let mut payload = rng.pick(COMMANDS).to_vec();
                mutate(&mut payload, &rng);
                let length = (payload.len() as u32).to_le_bytes();
                let sequence = u8::from(rng.one_in(50));
                bytes.extend_from_slice(&[length[0], length[1], length[2], sequence]);
                bytes.extend_from_slice(&payload);
            }
            survive((client.stream, served), &bytes, &format!("seed {seed}")).await;
        }
    });
}

#[test]
fn no_parameters_make_the_decoder_panic() {
    let types = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 99, 245, 246, 252, 253, 255];
    for seed in 0..20_000 {
        let rng = SeededRng::new(seed);
        let count = rng.below(12) as usize;
        let mut body = vec![0; count.div_ceil(8)];
        body.push(1);
        for _ in 0..count {
            body.extend_from_slice(&[*rng.pick(&types), *rng.pick(&[0, 0x80])]);
        }
        body.extend((0..rng.below(80)).map(|_| *rng.pick(&[0, 1, 4, 7, 8, 11, 12, 13, 250])));
        if rng.one_in(3) {
            mutate(&mut body, &rng);
        }
        let mut bound = Vec::new();
        let mut long = LongData::default();
        assert!(long.append(2, b"ab", 10));
        let decoded = params::decode(&body.into(), count, &mut bound, &long);
        if let Ok(values) = decoded {
            assert_eq!(values.len(), count, "seed {seed}");
        }
    }
}
