//! Conversations that real clients had with this server, byte for byte.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{config, connect};

/// The recordings: `connect`, `server HEX`, `client HEX`, a line each.
pub const RECORDED: &[(&str, &str)] = &[
    ("pymysql-rsa-then-fast", include_str!("../golden/pymysql-rsa-then-fast.txt")),
    ("pymysql-native", include_str!("../golden/pymysql-native.txt")),
    ("pymysql-no-password", include_str!("../golden/pymysql-no-password.txt")),
    ("pymysql-unknown-user", include_str!("../golden/pymysql-unknown-user.txt")),
    ("pymysql-wrong-password", include_str!("../golden/pymysql-wrong-password.txt")),
    ("mariadb-cli-switch-to-native", include_str!("../golden/mariadb-cli-switch-to-native.txt")),
    ("mariadb-cli-rsa", include_str!("../golden/mariadb-cli-rsa.txt")),
    ("mariadb-cli-in-the-clear", include_str!("../golden/mariadb-cli-in-the-clear.txt")),
    ("connector-python-change-user", include_str!("../golden/connector-python-change-user.txt")),
];

#[test]
fn recorded_conversations_go_the_same_way_again() {
    for (name, text) in RECORDED {
        holdfast_sim::run(replay(name, text));
    }
}

async fn replay(name: &str, text: &str) {
    let shared = Arc::new(config());
    let mut open = None;
    let mut connection_id = 0;
    for (at, line) in text.lines().enumerate() {
        let Some((side, bytes)) = line.split_once(' ') else {
            connection_id += 1;
            open = Some(connect(&shared, connection_id));
            continue;
        };
        let (stream, _) = open.as_mut().unwrap();
        let bytes = hex::decode(bytes).unwrap();
        if side == "client" {
            stream.write_all(&bytes).await.unwrap();
            continue;
        }
        let mut got = vec![0; bytes.len()];
        let read = stream.read_exact(&mut got).await;
        assert!(read.is_ok(), "{name}, line {}: the server closed", at + 1);
        assert_eq!(hex::encode(got), hex::encode(bytes), "{name}, line {}", at + 1);
    }
}

#[test]
fn an_unknown_user_sees_what_a_wrong_password_sees() {
    let shape = |name: &str| -> Vec<(String, usize)> {
        let (_, text) = RECORDED.iter().find(|(recorded, _)| *recorded == name).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let server = lines.filter(|(side, _)| *side == "server");
        server.map(|(side, bytes)| (side.to_owned(), bytes.len() / 2)).collect()
    };
    let (unknown, wrong) = (shape("pymysql-unknown-user"), shape("pymysql-wrong-password"));
    assert_eq!(unknown[..unknown.len() - 1], wrong[..wrong.len() - 1], "W3");
    // The last is the error, which names the user.
    let longer = "nobody".len() - "sha".len();
    assert_eq!(unknown.last().unwrap().1, wrong.last().unwrap().1 + longer);
}
