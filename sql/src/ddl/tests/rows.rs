use super::Server;
use crate::exec::sequence::Counter;

/// CHECK TABLE finds every index whole.
async fn check(server: &Server, table: &str) {
    let done = server.ok(&format!("CHECK TABLE {table}")).await;
    let rows = format!("{:?}", done.rows.unwrap().rows);
    assert!(rows.contains("\"OK\""), "{table}: {rows}");
}

#[test]
fn new_indexes_have_an_entry_for_each_row() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.all(&["CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20), c INT)"]).await;
        for at in 0..40 {
            server.ok(&format!("INSERT INTO t VALUES ({at}, 'x{}', {})", at % 7, 100 - at)).await;
        }
        server
            .ok("ALTER TABLE t ADD INDEX bi (b), ADD UNIQUE ci (c DESC), ADD INDEX pre (b(1), c)")
            .await;
        check(&server, "t").await;
        assert_eq!(server.rows("SELECT a FROM t WHERE c = 70").await, "30");
        assert_eq!(server.code("ALTER TABLE t ADD UNIQUE bu (b)").await, 1062);
        assert_eq!(server.code("INSERT INTO t VALUES (99, 'q', 100)").await, 1062);
        server.ok("DROP INDEX ci ON t").await;
        server.ok("INSERT INTO t VALUES (99, 'q', 100)").await;
        check(&server, "t").await;
    });
}

#[test]
fn added_columns_have_their_default_in_old_rows() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.all(&[
            "CREATE TABLE t (a INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1)",
            "ALTER TABLE t ADD b INT NOT NULL DEFAULT 5 FIRST, ADD c VARCHAR(9) NOT NULL, ADD e DATETIME DEFAULT CURRENT_TIMESTAMP",
            "ALTER TABLE t ALTER b SET DEFAULT 6",
            "INSERT INTO t (a, c) VALUES (2, 'y')",
        ])
        .await;
        assert_eq!(
            server.rows("SELECT b, a, c, e FROM t ORDER BY a").await,
            "5,1,,2026-01-02 03:04:05;6,2,y,2026-01-02 03:04:05"
        );
        server.all(&["ALTER TABLE t DROP b", "ALTER TABLE t ADD b VARCHAR(5)"]).await;
        assert_eq!(server.rows("SELECT a, b FROM t ORDER BY a").await, "1,NULL;2,NULL");
    });
}

#[test]
fn changed_types_convert_every_row_or_nothing_happens() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server
            .all(&[
                "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20), KEY (b))",
                "INSERT INTO t VALUES (1, '10'), (2, '300'), (3, NULL)",
            ])
            .await;
        let before = server.engine.catalog().unwrap().table("d", "t").unwrap().id;
        assert_eq!(server.code("ALTER TABLE t MODIFY b TINYINT").await, 1264);
        assert_eq!(server.code("ALTER TABLE t MODIFY b INT NOT NULL").await, 1138);
        assert_eq!(server.engine.catalog().unwrap().table("d", "t").unwrap().id, before);
        let done = server
            .ok("ALTER TABLE t MODIFY b INT, DROP PRIMARY KEY, ADD PRIMARY KEY (a DESC)")
            .await;
        assert_eq!(
            (done.affected, done.info.as_str()),
            (3, "Records: 3  Duplicates: 0  Warnings: 0")
        );
        check(&server, "t").await;
        assert_eq!(server.rows("SELECT a FROM t WHERE b = 300").await, "2");
        assert_eq!(server.code("ALTER TABLE t ADD CHECK (b < 300)").await, 3819);
        server.ok("ALTER TABLE t ADD x INT AUTO_INCREMENT UNIQUE, ADD g INT AS (a * 2)").await;
        assert_eq!(server.rows("SELECT a, x, g FROM t ORDER BY a").await, "1,3,2;2,2,4;3,1,6");
        server.ok("INSERT INTO t (a) VALUES (4)").await;
        assert_eq!(server.rows("SELECT x FROM t WHERE a = 4").await, "4");
    });
}

#[test]
fn truncate_leaves_the_definition_and_starts_numbers_again() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.all(&[
            "CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY, b INT, KEY (b)) AUTO_INCREMENT = 10",
            "INSERT INTO t (b) VALUES (1), (2)",
        ])
        .await;
        assert_eq!(server.rows("SELECT a FROM t ORDER BY a").await, "10;11");
        server.ok("TRUNCATE t").await;
        assert_eq!(server.rows("SELECT a FROM t").await, "");
        server.ok("INSERT INTO t (b) VALUES (1)").await;
        assert_eq!(server.rows("SELECT a FROM t").await, "1");
        server.ok("ALTER TABLE t AUTO_INCREMENT = 100").await;
        server.ok("INSERT INTO t (b) VALUES (1)").await;
        assert_eq!(server.rows("SELECT a FROM t ORDER BY a").await, "1;100");
        let id = server.engine.catalog().unwrap().table("d", "t").unwrap().id;
        assert!(server.engine.sequences.peek(&server.engine, Counter::Auto(id)).unwrap() > 100);
    });
}

#[test]
fn a_query_makes_a_table_with_its_rows() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server
            .all(&[
                "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5) NOT NULL)",
                "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
            ])
            .await;
        let done = server.ok("CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY, KEY (b)) AS SELECT b, a + 1 AS c FROM t").await;
        assert_eq!(done.affected, 2);
        assert_eq!(server.rows("SELECT id, b, c FROM u ORDER BY id").await, "1,x,2;2,y,3");
        check(&server, "u").await;
        assert_eq!(
            server.code("CREATE TABLE v (c INT PRIMARY KEY) AS SELECT 1 AS c FROM t").await,
            1062
        );
        assert!(server.engine.catalog().unwrap().find("d", "v").is_none());
    });
}

#[test]
fn a_new_foreign_key_is_checked_against_rows() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server
            .all(&[
                "CREATE TABLE p (a INT PRIMARY KEY)",
                "CREATE TABLE c (x INT)",
                "INSERT INTO p VALUES (1)",
                "INSERT INTO c VALUES (1), (NULL)",
                "ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES p (a)",
                "ALTER TABLE c DROP FOREIGN KEY f",
                "INSERT INTO c VALUES (2)",
            ])
            .await;
        assert_eq!(
            server.code("ALTER TABLE c ADD CONSTRAINT g FOREIGN KEY (x) REFERENCES p (a)").await,
            1452
        );
    });
}

/// Once, all changes were refused as soon as a table's definition was older than what the
/// transaction node remembers: ten minutes, or four million changes.
#[tokio::test]
async fn a_definition_may_be_older_than_what_is_remembered() {
    let server = Server::new().await;
    server.ok("CREATE TABLE t (a INT PRIMARY KEY)").await;
    for a in 0..2000 {
        server.ok(&format!("INSERT INTO t VALUES ({a})")).await;
    }
    server.ok("UPDATE t SET a = 2000 WHERE a = 3").await;
    server.ok("ALTER TABLE t ADD b INT").await;
    server.ok("INSERT INTO t VALUES (5000, 1)").await;
}

/// An id is drawn anew until somebody knows it: once, a transaction that had only read for as long
/// as the node remembers outcomes was refused its first change.
#[tokio::test]
async fn a_transaction_may_be_older_than_what_is_remembered() {
    let server = Server::new().await;
    server.ok("CREATE TABLE t (a INT PRIMARY KEY, b INT)").await;
    server.ok("INSERT INTO t VALUES (1, 1)").await;
    let (mut locks, mut commits) =
        (server.begin(false).await.unwrap(), server.begin(true).await.unwrap());
    for a in 2..900 {
        server.ok(&format!("INSERT INTO t VALUES ({a}, 1)")).await;
    }
    server.run_in(&mut locks, "UPDATE t SET b = 2 WHERE a = 1").await.unwrap();
    locks.commit(&server.engine).await.unwrap();
    server.run_in(&mut commits, "INSERT INTO t VALUES (1000, 2)").await.unwrap();
    assert_eq!(server.rows("SELECT a FROM t WHERE b = 2 ORDER BY a").await, "1;1000");
}
