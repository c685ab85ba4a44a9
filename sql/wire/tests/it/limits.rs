//! What clients cannot make the server do.

use std::sync::Arc;
use std::time::Duration;

use holdfast_wire::{Command, Connection, OkPacket, Peer, Wait, WireConfig, WireError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::client::{Client, Who, config, connect, error_code};
use crate::serve::accounts;

const OPEN: Who = Who { user: "open", password: "", plugin: "caching_sha2_password", can: 0x8a00 };

/// A client and the server's side of its connection, logged in.
async fn pair(shared: WireConfig) -> (Client<DuplexStream>, Connection) {
    let (here, there) = tokio::io::duplex(64 << 10);
    let peer = Peer { address: "[::1]:1".parse().unwrap(), connection_id: 1 };
    let mut client = Client::new(here);
    let server = async {
        let accept = Connection::accept(Box::new(there), Arc::new(shared), accounts(), peer);
        let (mut connection, login) = accept.await.unwrap();
        assert_eq!((&*login.user, &*login.account.host), ("open", "%"));
        connection.ok(&OkPacket::default());
        connection.flush().await.unwrap();
        connection
    };
    let who = Who { can: Who::default().can, ..OPEN };
    let (verdict, connection) = tokio::join!(client.log_in(&who), server);
    assert_eq!(verdict[0], 0);
    (client, connection)
}

const WAIT: Wait = Wait { idle: Duration::from_secs(100), packet_max: 1000 };

#[test]
fn a_login_has_64_kib_and_ten_seconds() {
    holdfast_sim::run(async {
        let (stream, served) = connect(&Arc::new(config()), 1);
        let mut client = Client::new(stream);
        client.greeting().await;
        client.write(&vec![0; (64 << 10) + 1]).await;
        assert_eq!(error_code(&client.read().await), Some(1153), "W2");
        assert!(matches!(served.await.unwrap(), Err(WireError::TooLarge { limit: 65_536, .. })));

        let (stream, served) = connect(&Arc::new(config()), 2);
        let mut client = Client::new(stream);
        client.greeting().await;
        client.stream.write_all(&[200, 0, 0, 1, 5]).await.unwrap();
        let late = served.await.unwrap();
        assert!(matches!(late, Err(WireError::Late { doing: "a login", .. })), "{late:?}");
    });
}

#[test]
fn a_handshake_that_is_none_is_refused() {
    holdfast_sim::run(async {
        let hellos: [&[u8]; 5] =
            [b"", b"\0\0\0\0", &[0; 32], &[0xff; 200], b"GET / HTTP/1.1\r\n\r\n"];
        for hello in hellos {
            let (stream, served) = connect(&Arc::new(config()), 1);
            let mut client = Client::new(stream);
            client.greeting().await;
            client.write(hello).await;
            assert_eq!(error_code(&client.read().await), Some(1043), "{hello:?}");
            assert!(matches!(served.await.unwrap(), Err(WireError::Malformed("handshake"))));
        }
    });
}

#[test]
fn a_full_server_says_so_before_it_greets() {
    holdfast_sim::run(async {
        let (mut here, there) = tokio::io::duplex(1024);
        let shared = config();
        let refuse = Connection::refuse(Box::new(there), &shared, 1040, "Too many connections");
        refuse.await.unwrap();
        let mut got = Vec::new();
        here.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"\x17\0\0\0\xff\x10\x04Too many connections");
    });
}

#[test]
fn a_statement_beyond_the_limit_ends_the_connection_and_the_client_reads_why() {
    holdfast_sim::run(async {
        for size in [1000, 200_000, 40 << 20] {
            let (mut client, mut connection) = pair(config()).await;
            let (answer, refused) = tokio::join!(
                async {
                    client.send(0x03, &vec![b'x'; size]).await;
                    client.read().await
                },
                connection.next_command(WAIT)
            );
            assert_eq!(error_code(&answer), Some(1153), "{size}");
            assert!(matches!(refused, Err(WireError::TooLarge { limit: 1000, .. })));
        }
        let (mut client, mut connection) = pair(config()).await;
        client.send(0x03, &[b'x'; 999]).await;
        let command = connection.next_command(WAIT).await.unwrap();
        assert!(matches!(command, Some(Command::Query(text)) if text.len() == 999));
    });
}

#[test]
fn packets_out_of_order_end_the_connection() {
    holdfast_sim::run(async {
        let (mut client, mut connection) = pair(config()).await;
        client.sequence = 3;
        client.write(b"\x0e").await;
        let refused = connection.next_command(WAIT).await;
        assert!(matches!(refused, Err(WireError::OutOfOrder { expected: 0, found: 3 })));
        assert_eq!(error_code(&client.read().await), Some(1156));
    });
}

#[test]
fn an_idle_client_is_told() {
    holdfast_sim::run(async {
        let (mut client, mut connection) = pair(config()).await;
        let idle = connection.next_command(WAIT).await;
        assert!(matches!(idle, Err(WireError::Idle(limit)) if limit == WAIT.idle));
        client.sequence = 0;
        assert_eq!(error_code(&client.read().await), Some(4031));
    });
}

#[test]
fn waiting_may_be_given_up_and_taken_up_again() {
    holdfast_sim::run(async {
        let (mut client, mut connection) = pair(config()).await;
        let packet = [&[6, 0, 0, 0, 3][..], b"hello"].concat();
        for byte in packet {
            client.stream.write_all(&[byte]).await.unwrap();
            tokio::select! {
                biased;
                command = connection.next_command(WAIT) => {
                    let Some(Command::Query(text)) = command.unwrap() else { panic!() };
                    assert_eq!(text, "hello");
                    return;
                }
                () = tokio::task::yield_now() => {}
            }
        }
        panic!("the last byte makes a command");
    });
}

#[test]
fn a_client_that_goes_is_noticed_while_its_statement_runs() {
    holdfast_sim::run(async {
        let (mut client, mut connection) = pair(config()).await;
        client.send(0x0e, b"").await;
        drop(client);
        connection.gone().await;
        let command = connection.next_command(WAIT).await.unwrap();
        assert!(matches!(command, Some(Command::Ping)), "what it sent before is there");
    });
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    holdfast_sim::run(async {
        let (stream, served) = connect(&Arc::new(config()), 1);
        let mut client = Client::new(stream);
        client.log_in(&Who { can: Who::default().can, ..OPEN }).await;
        client.send(0x03, b"many").await;
        let late = served.await.unwrap();
        assert!(matches!(late, Err(WireError::Late { doing: "a write", .. })), "{late:?}");
    });
}

#[test]
fn bytes_may_come_one_by_one() {
    holdfast_sim::run(async {
        let (stream, _served) = connect(&Arc::new(config()), 1);
        let mut client = Client::new(stream);
        client.log_in(&Who { can: Who::default().can, ..OPEN }).await;
        for byte in b"\x04\0\0\0\x03bad" {
            client.stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.sequence = 1;
        assert_eq!(error_code(&client.read().await), Some(1064));
    });
}
