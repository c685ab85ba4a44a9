//! The Rust driver `mysql_async`, one that others wrote. The drivers of other languages are under `tests/drivers`.

use mysql_async::prelude::{BatchQuery, Query, Queryable, WithParams};
use mysql_async::{Conn, Error, Opts, OptsBuilder, Row, TxOpts, Value};

use crate::harness::{PASSWORD, Running, USER};

/// `root` has the password of S3's root.
fn options(running: &Running, user: &str, password: &str) -> Opts {
    let endpoint = std::fs::read(running.data.join("endpoint")).unwrap();
    let endpoint: serde_json::Value = serde_json::from_slice(&endpoint).unwrap();
    let (host, port) = endpoint["mysql"].as_str().unwrap().rsplit_once(':').unwrap();
    let builder = OptsBuilder::default().ip_or_hostname(host).tcp_port(port.parse().unwrap());
    builder.user(Some(user)).pass(Some(password)).prefer_socket(false).into()
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Server(error) => error.code,
        other => panic!("no error of the server: {other}"),
    }
}

async fn texts(sql: &mut Conn) -> Result<(), Error> {
    sql.query_drop("CREATE DATABASE rust; USE rust").await?;
    sql.query_drop(
        "CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL UNIQUE, price DECIMAL(8,2), at DATETIME(3))",
    )
    .await?;
    sql.query_drop("INSERT INTO item (name, price) VALUES ('bolt', 0.25), ('anchor', 99.90)")
        .await?;
    assert_eq!((sql.affected_rows(), sql.last_insert_id()), (2, Some(1)));
    let rows: Vec<(i32, String, String)> =
        sql.query("SELECT id, name, price FROM item ORDER BY id").await?;
    assert_eq!(rows, [(1, "bolt".into(), "0.25".into()), (2, "anchor".into(), "99.90".into())]);
    // Two results of one text.
    let mut results = sql.query_iter("SELECT 1; SELECT 'two'").await?;
    assert_eq!(results.collect::<i64>().await?, [1]);
    assert_eq!(results.collect::<String>().await?, ["two"]);
    Ok(())
}

async fn prepared(sql: &mut Conn) -> Result<(), Error> {
    let insert = sql.prep("INSERT INTO item (name, price, at) VALUES (?, ?, ?)").await?;
    let at = Value::Date(2024, 2, 29, 23, 59, 59, 123_000);
    for n in 0..100 {
        sql.exec_drop(&insert, (format!("n{n} ü🐟"), n, at.clone())).await?;
    }
    let select = "SELECT name, price, at FROM item WHERE id BETWEEN ? AND ? ORDER BY id";
    let rows: Vec<(String, Value, Value)> = sql.exec(select, (3, 4)).await?;
    assert_eq!(rows[1], ("n1 ü🐟".into(), Value::Bytes(b"1.00".to_vec()), at));
    let given = (i64::MIN, u64::MAX, 1.5, b"\0\xff".to_vec(), None::<i8>);
    let back: Option<Row> = sql.exec_first("SELECT ?, ?, ?, ?, ?", given).await?;
    let bytes = Value::Bytes(b"\0\xff".to_vec());
    let want =
        [Value::Int(i64::MIN), Value::UInt(u64::MAX), Value::Double(1.5), bytes, Value::NULL];
    assert_eq!(back.unwrap().unwrap(), want);
    let many = "UPDATE item SET price = price + ? WHERE id = ?";
    many.with((1..=50).map(|n| (n, n))).batch(&mut *sql).await?;
    let sum: Option<String> = "SELECT SUM(price) FROM item".first(&mut *sql).await?;
    assert_eq!(sum.as_deref(), Some("6325.15"));
    Ok(())
}

async fn transactions(sql: &mut Conn, other: &mut Conn) -> Result<(), Error> {
    let mut begun = sql.start_transaction(TxOpts::default()).await?;
    begun.query_drop("DELETE FROM item WHERE id > 2").await?;
    let count: Option<u64> = begun.query_first("SELECT COUNT(*) FROM item").await?;
    assert_eq!(count, Some(2));
    let elsewhere: Option<u64> = other.query_first("SELECT COUNT(*) FROM rust.item").await?;
    assert_eq!(elsewhere, Some(102), "nobody else sees it yet");
    begun.rollback().await?;
    let count: Option<u64> = sql.query_first("SELECT COUNT(*) FROM item").await?;
    assert_eq!(count, Some(102));
    let twice = sql.query_drop("INSERT INTO item (name) VALUES ('bolt')").await.unwrap_err();
    assert_eq!(code(&twice), 1062, "{twice}");
    assert_eq!(code(&sql.query_drop("SELEKT 1").await.unwrap_err()), 1064);
    Ok(())
}

#[test]
fn mysql_async_connects_and_works() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &["--mysql", "127.0.0.1:0"]);
    let root = options(&running, "root", PASSWORD);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut sql = Conn::new(root.clone()).await.unwrap();
        let mut other = Conn::new(root).await.unwrap();
        assert!(sql.server_version() >= (8, 0, 0));
        texts(&mut sql).await.unwrap();
        prepared(&mut sql).await.unwrap();
        transactions(&mut sql, &mut other).await.unwrap();
        other.reset().await.unwrap();
        other.ping().await.unwrap();
        sql.disconnect().await.unwrap();
        other.disconnect().await.unwrap();
        for (user, password) in [("root", "wrong"), (USER, PASSWORD)] {
            let refused = Conn::new(options(&running, user, password)).await.unwrap_err();
            assert_eq!(code(&refused), 1045, "{refused}");
        }
    });
    assert_eq!(running.stop(), Some(0));
}
