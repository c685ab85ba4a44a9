//! Answers as a client reads them.

use std::sync::Arc;

use holdfast_wire::Capabilities;
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::client::{Client, Who, config, connect, error_code};

const COLUMNS: usize = 17;

async fn logged_in(without: Capabilities) -> Client<DuplexStream> {
    let (stream, _served) = connect(&Arc::new(config()), 1);
    let mut client = Client::new(stream);
    let who = Who { user: "open", password: "", ..Who::default() };
    let who = Who { can: who.can & !without.bits(), ..who };
    assert_eq!(client.log_in(&who).await[0], 0);
    client
}

/// Reads a result set; the rows, and the status in its last packet.
async fn result_set(client: &mut Client<DuplexStream>, has_eof: bool) -> (Vec<Vec<u8>>, u16) {
    let count = client.read().await;
    for _ in 0..count[0] {
        assert_eq!(client.read().await[..4], *b"\x03def");
    }
    if has_eof {
        assert_eq!(client.read().await[..3], [0xfe, 0, 0], "the end of the columns");
    }
    rows(client, has_eof).await
}

async fn rows(client: &mut Client<DuplexStream>, has_eof: bool) -> (Vec<Vec<u8>>, u16) {
    let mut rows = Vec::new();
    loop {
        let packet = client.read().await;
        match packet[..] {
            [0xfe, _, _, low, high] if has_eof => return (rows, u16::from_le_bytes([low, high])),
            [0xfe, 0, 0, low, high, _, _] if !has_eof => {
                return (rows, u16::from_le_bytes([low, high]));
            }
            _ => rows.push(packet),
        }
    }
}

#[test]
fn result_sets_end_as_the_client_wants_it() {
    holdfast_sim::run(async {
        for has_eof in [false, true] {
            let without =
                if has_eof { Capabilities::DEPRECATE_EOF } else { Capabilities::default() };
            let mut client = logged_in(without).await;
            client.send(0x03, b"select").await;
            let (rows, status) = result_set(&mut client, has_eof).await;
            assert_eq!((rows.len(), status), (2, 2));
            assert_eq!(rows[0][..11], *b"\x011\x04-300\x06-70");
            assert_eq!(rows[1], [0xfb; COLUMNS], "NULLs");
            client.send(0x03, b"two").await;
            assert_eq!(result_set(&mut client, has_eof).await.1, 2 | 8, "more results");
            assert_eq!(result_set(&mut client, has_eof).await.1, 2);
            let set_option = client.ask(0x1b, &[0, 0]).await;
            assert_eq!(set_option[0], 0xfe);
            let list = client.ask(0x04, b"t\0%").await;
            assert_eq!(*list.last().unwrap(), 0xfb, "no default");
            assert_eq!(rows_of_list(&mut client, has_eof).await, COLUMNS - 1);
        }
    });
}

async fn rows_of_list(client: &mut Client<DuplexStream>, has_eof: bool) -> usize {
    rows(client, has_eof).await.0.len()
}

#[test]
fn ok_and_error_packets_are_golden() {
    holdfast_sim::run(async {
        let mut client = logged_in(Capabilities::default()).await;
        assert_eq!(client.ask(0x03, b"do").await, b"\0\x01\0\x02\0\0\0\x04fine");
        let want = b"\xff\x28\x04#42000You have an error in your SQL syntax";
        assert_eq!(client.ask(0x03, b"bad").await, want);
        // The database changed: state type 1, the name.
        assert_eq!(client.ask(0x02, b"db").await, b"\0\0\0\x02\x40\0\0\0\x05\x01\x03\x02db");
        let mut client = logged_in(Capabilities::SESSION_TRACK).await;
        assert_eq!(client.ask(0x02, b"db").await, b"\0\0\0\x02\0\0\0");
        assert_eq!(client.ask(0x09, b"").await[..6], *b"Uptime");
        assert_eq!(error_code(&client.ask(0x05, b"").await), Some(1047));
        assert_eq!(error_code(&client.ask(0x17, b"\x01\0").await), Some(1835), "cut short");
        assert_eq!(client.ask(0x0e, b"").await[0], 0, "the connection goes on");
    });
}

#[test]
fn prepared_statements_and_cursors() {
    holdfast_sim::run(async {
        for has_eof in [false, true] {
            let without =
                if has_eof { Capabilities::DEPRECATE_EOF } else { Capabilities::default() };
            let mut client = logged_in(without).await;
            let prepared = client.ask(0x16, b"select ?, ?").await;
            assert_eq!(prepared, [0, 1, 0, 0, 0, COLUMNS as u8, 0, 2, 0, 0, 0, 0]);
            for _ in 0..2 + COLUMNS + if has_eof { 2 } else { 0 } {
                client.read().await;
            }
            let mut body = vec![1, 0, 0, 0, 0, 1, 0, 0, 0];
            body.extend_from_slice(&[0b10, 1, 3, 0, 3, 0, 7, 0, 0, 0]);
            client.send(0x17, &body).await;
            let (rows, _) = result_set(&mut client, has_eof).await;
            assert_eq!(rows[0][..9], [0, 0, 0, 0, 1, 0xd4, 0xfe, 0x90, 0xee], "no NULLs, 1, -300");
            // 17 columns and an offset of 2 bits: 19 bits.
            assert_eq!(rows[1], [0, 0xfc, 0xff, 0x07]);
            // A cursor: columns only, rows as they are fetched.
            body[4] = 1;
            client.send(0x17, &body).await;
            assert_eq!(client.read().await, [COLUMNS as u8]);
            for _ in 0..COLUMNS {
                client.read().await;
            }
            let (none, status) = self::rows(&mut client, has_eof).await;
            assert_eq!((none.len(), status), (0, 2 | 64), "a cursor is open");
            client.send(0x1c, &[1, 0, 0, 0, 6, 0, 0, 0]).await;
            let (some, status) = self::rows(&mut client, has_eof).await;
            assert_eq!((some.len(), status), (6, 2 | 64));
            client.send(0x1c, &[1, 0, 0, 0, 6, 0, 0, 0]).await;
            let (some, status) = self::rows(&mut client, has_eof).await;
            assert_eq!((some.len(), status), (4, 2 | 64 | 128), "the last row");
        }
    });
}

#[test]
fn a_row_beyond_16_mib_goes_in_pieces() {
    holdfast_sim::run(async {
        let mut client = logged_in(Capabilities::default()).await;
        client.send(0x03, b"big").await;
        let (rows, _) = result_set(&mut client, false).await;
        assert_eq!(rows[0].len(), 20_000_000 + 9);
        let statement = vec![b'x'; 17 << 20];
        assert_eq!(client.ask(0x03, &statement).await[0], 0, "and so does a statement");
        // Exactly full pieces: an empty one ends them.
        assert_eq!(client.ask(0x03, &vec![b'x'; 0xff_fffe]).await[0], 0);
    });
}

#[test]
fn a_file_is_read_to_its_end_whatever_comes_of_it() {
    holdfast_sim::run(async {
        let mut client = logged_in(Capabilities::default()).await;
        for (statement, code) in [(&b"load 'f'"[..], None), (b"load 'f' stop", Some(1062))] {
            assert_eq!(client.ask(0x03, statement).await, b"\xfbf");
            // The first ones look like commands, and lie there at once.
            client.stream.write_all(b"\x01\0\0\x02r\x01\0\0\x03\x0e").await.unwrap();
            client.sequence = 4;
            for size in [100_000, 0xff_ffff, 70_000] {
                client.write(&vec![b'r'; size]).await;
            }
            client.write(b"").await;
            let answer = client.read().await;
            assert_eq!(error_code(&answer), code, "F1");
            if code.is_none() {
                let size = (2_u32 + 100_000 + 0xff_ffff + 70_000).to_le_bytes();
                assert_eq!(answer[..6], [&[0, 0xfe][..], &size].concat());
            }
            assert_eq!(client.ask(0x0e, b"").await[0], 0, "ping");
        }
    });
}

#[test]
fn commands_may_come_before_their_answers_are_read() {
    holdfast_sim::run(async {
        let mut client = logged_in(Capabilities::default()).await;
        let pings = b"\x01\0\0\0\x0e".repeat(1000);
        client.stream.write_all(&pings).await.unwrap();
        for _ in 0..1000 {
            client.sequence = 1;
            assert_eq!(client.read().await[0], 0);
        }
    });
}
