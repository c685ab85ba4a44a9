use super::Server;
use crate::catalog::Entry;

/// A table in few words.
fn shown(server: &Server, name: &str) -> String {
    let table = server.engine.catalog().unwrap().table("d", name).unwrap();
    let name = |at: &u16| table.columns[usize::from(*at)].name.to_string();
    let parts = |parts: &[crate::catalog::KeyPart]| {
        parts.iter().map(|part| name(&part.column)).collect::<Vec<_>>().join(" ")
    };
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.to_string()).collect();
    let mut out = format!("{} | {}", columns.join(" "), parts(&table.body.primary));
    for index in &table.body.indexes {
        let kind = if index.unique { "unique " } else { "" };
        out += &format!(" | {kind}{}({})", index.name, parts(&index.parts));
    }
    for foreign in &table.body.foreign {
        out += &format!(" | {} -> {}.{}", foreign.name, foreign.parent_database, foreign.parent);
    }
    for check in &table.body.checks {
        out += &format!(" | {}: {}", check.name, check.expression);
    }
    out
}

#[test]
fn names_are_generated_as_mysql_does() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.all(&[
            "CREATE TABLE p (id BIGINT PRIMARY KEY, u INT, UNIQUE (u))",
            "CREATE TABLE t (a INT, b INT UNIQUE, c BIGINT, d SERIAL, KEY (a), KEY (a, b), PRIMARY KEY (c), \
             CHECK (a > 0), CONSTRAINT named CHECK (b > a), FOREIGN KEY (c) REFERENCES p (id), \
             CONSTRAINT fu FOREIGN KEY (b, a) REFERENCES t (a, b), FOREIGN KEY (a) REFERENCES p (u))",
        ])
        .await;
        assert_eq!(
            shown(&server, "t"),
            "a b c d | c | unique b(b) | unique d(d) | a(a) | a_2(a b) | t_ibfk_1 -> d.p | fu -> d.t | t_ibfk_2 -> d.p \
             | t_chk_1: a > 0 | named: b > a"
        );
        server.ok("RENAME TABLE p TO q, t TO p, q TO t").await;
        assert_eq!(
            shown(&server, "p"),
            "a b c d | c | unique b(b) | unique d(d) | a(a) | a_2(a b) | p_ibfk_1 -> d.t | fu -> d.p | p_ibfk_2 -> d.t \
             | p_chk_1: a > 0 | named: b > a"
        );
    });
}

#[test]
fn parents_columns_and_tables_are_followed() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server
            .all(&[
                "CREATE DATABASE e",
                "CREATE TABLE p (id INT PRIMARY KEY)",
                "CREATE TABLE c (x INT, FOREIGN KEY (x) REFERENCES p (id))",
                "ALTER TABLE p RENAME COLUMN id TO key_of, RENAME TO e.parent",
            ])
            .await;
        assert_eq!(shown(&server, "c"), "x |  | x(x) | c_ibfk_1 -> e.parent");
        let child = server.engine.catalog().unwrap().table("d", "c").unwrap();
        assert_eq!(child.body.foreign[0].parent_columns, ["key_of"]);
        assert_eq!(server.code("DROP TABLE e.parent").await, 3730);
        assert_eq!(server.code("DROP DATABASE e").await, 3730);
        server.ok("DROP DATABASE d").await;
        server.ok("DROP DATABASE e").await;
        assert!(server.engine.catalog().unwrap().tables.is_empty());
    });
}

#[test]
fn a_restart_finds_the_same_catalog() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.all(&[
            "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(3) DEFAULT 'x', KEY (b)) COMMENT 'here'",
            "INSERT INTO t VALUES (1, 'y')",
            "ALTER TABLE t ADD c DECIMAL(5,2) NOT NULL DEFAULT 1.5",
            "CREATE TABLE gone (a INT)",
            "INSERT INTO gone VALUES (1)",
            "DROP TABLE gone",
            "CREATE VIEW v AS SELECT a FROM t",
            "CREATE USER u IDENTIFIED BY 'secret'",
            "GRANT SELECT ON d.* TO u",
        ])
        .await;
        let before = server.engine.catalog().unwrap();
        let again = Server::over(server.log.clone()).await;
        let after = again.engine.catalog().unwrap();
        assert_eq!(before.databases, after.databases);
        assert_eq!(before.accounts, after.accounts);
        let rows = |entries: &std::collections::BTreeMap<(String, String), Entry>| {
            entries.values().map(|entry| entry.row().clone()).collect::<Vec<_>>()
        };
        assert_eq!(rows(&before.entries), rows(&after.entries));
        assert_eq!(again.rows("SELECT a, b, c FROM t").await, "1,y,1.50");
        let account = &after.accounts[&("u".to_owned(), "%".to_owned())];
        assert_eq!(account.databases.len(), 1);
        assert!(!account.auth.contains("secret") && account.auth.len() == 70);
    });
}

#[test]
fn of_two_who_take_a_name_one_wins() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        let tasks: Vec<_> = (0..6)
            .map(|at| {
                let server = server.clone();
                tokio::spawn(
                    async move { server.code(&format!("CREATE TABLE t (c{at} INT)")).await },
                )
            })
            .collect();
        let mut codes = Vec::new();
        for task in tasks {
            codes.push(task.await.unwrap());
        }
        codes.sort_unstable();
        assert_eq!(codes, [0, 1050, 1050, 1050, 1050, 1050]);
    });
}

#[test]
fn notes_are_given_where_nothing_is_done() {
    holdfast_sim::run(async {
        let server = Server::new().await;
        server.ok("CREATE TABLE t (a INT)").await;
        for (text, code) in [
            ("CREATE TABLE IF NOT EXISTS t (b INT)", 1050),
            ("CREATE DATABASE IF NOT EXISTS d", 1007),
            ("DROP TABLE IF EXISTS nothing", 1051),
            ("DROP VIEW IF EXISTS nothing", 1051),
            ("DROP DATABASE IF EXISTS nothing", 1008),
            ("DROP USER IF EXISTS nobody", 3162),
            ("CREATE TABLE e (a INT) ENGINE = Quick", 1286),
        ] {
            assert_eq!(server.run(text).await.unwrap().1, [code], "{text}");
        }
    });
}
