//! A catalog, an account and a server's facts for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{TableId, Ts};
use holdfast_value::{Collation, IntWidth, LobSize, SqlType, Zone};

use super::grants::privilege;
use super::seen::{Diagnostics, ProcessRow, Seen, Server, TableFacts};
use super::variables::Variables;
use crate::catalog::{
    AccountRow, Action, Catalog, CheckRow, ColumnRow, DatabaseRow, DefaultRow, Entry, ForeignRow,
    IndexRow, KeyPart, Privileges, Table, TableBody, TableKind, TableRow, View, ViewBody,
};

/// A column; `rest` changes what is not usual.
pub fn column(name: &str, of: SqlType, rest: impl FnOnce(&mut ColumnRow)) -> ColumnRow {
    let mut row = ColumnRow {
        name: name.into(),
        slot: 0,
        of,
        nullable: true,
        default: None,
        on_update: false,
        auto: false,
        comment: String::new(),
        fill: None,
        generated: None,
    };
    rest(&mut row);
    row
}

/// An index over columns by position.
pub fn index(name: &str, unique: bool, columns: &[u16]) -> IndexRow {
    let id = TableId(9_000 + u64::from(columns[0]));
    IndexRow { id, name: name.into(), unique, parts: parts(columns), comment: String::new() }
}

pub fn parts(columns: &[u16]) -> Vec<KeyPart> {
    columns.iter().map(|column| KeyPart { column: *column, prefix: None, desc: false }).collect()
}

pub fn varchar(length: u32) -> SqlType {
    SqlType::VarChar(length, Collation::Uca0900AiCi)
}

/// A table; `rest` changes what is not usual.
pub fn table(name: &str, columns: Vec<ColumnRow>, rest: impl FnOnce(&mut TableBody)) -> Arc<Table> {
    let mut body = TableBody {
        slots: columns.iter().map(|column| column.of.clone()).collect(),
        columns,
        primary: parts(&[0]),
        indexes: Vec::new(),
        foreign: Vec::new(),
        checks: Vec::new(),
        collation: Collation::Uca0900AiCi,
        row_format: None,
    };
    for (slot, column) in (0..).zip(&mut body.columns) {
        column.slot = slot;
    }
    rest(&mut body);
    let row = TableRow {
        v: 1,
        id: TableId(2_000 + name.len() as u64),
        database: 1,
        name: name.into(),
        version: 1,
        created: 1_700_000_000,
        comment: String::new(),
        kind: TableKind::Table(body.clone()),
    };
    let built = Table::new(row, body, ("shop".into(), Ts(1)), &crate::bind::literal_of);
    Arc::new(built.unwrap())
}

/// A table with a bit of everything.
pub fn orders() -> Arc<Table> {
    let decimal = SqlType::Decimal { precision: 10, scale: 2, unsigned: false };
    let states: Arc<[String]> = ["new", "it's"].map(String::from).into();
    let small = SqlType::Int { width: IntWidth::Small, unsigned: true, display: None };
    let columns = vec![
        column("id", SqlType::BIGINT_UNSIGNED, |it| {
            it.nullable = false;
            it.auto = true;
        }),
        column("customer", SqlType::INT, |it| it.nullable = false),
        column("note", varchar(255), |it| it.comment = "what the customer's said".into()),
        column("price", decimal, |it| {
            it.nullable = false;
            it.default = Some(DefaultRow::Literal("1.5".into()));
        }),
        column("state", SqlType::Enum(states, Collation::Uca0900AiCi), |it| {
            it.default = Some(DefaultRow::Literal("'new'".into()));
        }),
        column("code", SqlType::Char(8, Collation::Bin), |it| it.nullable = false),
        column("made", SqlType::Timestamp(3), |it| {
            it.nullable = false;
            it.default = Some(DefaultRow::Now(3));
            it.on_update = true;
        }),
        column("seen", SqlType::Timestamp(0), |_| {}),
        column("body", SqlType::Text(LobSize::Normal, Collation::Uca0900AiCi), |_| {}),
        column("flags", SqlType::Bit(3), |it| {
            it.default = Some(DefaultRow::Literal("b'101'".into()));
        }),
        column("is_open", SqlType::BOOL, |it| {
            it.nullable = false;
            it.default = Some(DefaultRow::Literal("1".into()));
        }),
        column("doc", SqlType::Json, |it| {
            it.default = Some(DefaultRow::Expression("json_array()".into()));
        }),
        column("twice", small, |it| it.generated = Some(("customer * 2".into(), true))),
        column("raw", SqlType::VarBinary(16), |_| {}),
    ];
    table("orders", columns, |body| {
        let mut named = index("by_note", false, &[2, 1]);
        named.parts[0].prefix = Some(10);
        named.parts[1].desc = true;
        named.comment = "two".into();
        body.indexes = vec![named, index("by_code", true, &[5]), index("by_state", true, &[4])];
        body.foreign = vec![ForeignRow {
            name: "orders_ibfk_1".into(),
            columns: vec![1],
            parent_database: "shop".into(),
            parent: "customers".into(),
            parent_columns: vec!["id".into()],
            on_delete: Action::Cascade,
            on_update: Action::Restrict,
            written: (Some("CASCADE".into()), Some("NO ACTION".into())),
        }];
        body.checks = vec![
            CheckRow {
                name: "orders_chk_1".into(),
                expression: "price > 0".into(),
                enforced: true,
            },
            CheckRow {
                name: "orders_chk_2".into(),
                expression: "customer <> 7".into(),
                enforced: false,
            },
        ];
    })
}

/// The parent of [`orders`].
pub fn customers() -> Arc<Table> {
    table(
        "customers",
        vec![
            column("id", SqlType::INT, |it| it.nullable = false),
            column("name", SqlType::VarChar(20, Collation::GeneralCi), |it| it.nullable = false),
        ],
        |body| body.collation = Collation::GeneralCi,
    )
}

pub fn view() -> Arc<View> {
    let body = ViewBody {
        select: "SELECT id, name AS n FROM customers".into(),
        columns: Vec::new(),
        database: "shop".into(),
        definer: "root@%".into(),
        ansi_quotes: false,
        collation: Collation::GeneralCi,
    };
    let row = TableRow {
        v: 1,
        id: TableId(3_000),
        database: 1,
        name: "names".into(),
        version: 1,
        created: 1_700_000_000,
        comment: String::new(),
        kind: TableKind::View(body.clone()),
    };
    Arc::new(View::new(row, body, "shop".into(), Ts(1)))
}

/// The database `shop`, root, and `limited` who may read `shop.customers`.
pub fn catalog() -> Arc<Catalog> {
    let mut catalog = Catalog::default();
    let shop = DatabaseRow { v: 1, id: 1, name: "shop".into(), collation: Collation::Uca0900AiCi };
    catalog.databases.insert("shop".into(), Arc::new(shop));
    let mut add = |name: &str, entry: Entry| {
        catalog.entries.insert(("shop".into(), name.into()), entry);
    };
    add("orders", Entry::Table(orders()));
    add("customers", Entry::Table(customers()));
    add("names", Entry::View(view()));
    let account = |user: &str, global: u64| AccountRow {
        v: 1,
        user: user.into(),
        host: "%".into(),
        plugin: "caching_sha2_password".into(),
        auth: String::new(),
        locked: false,
        require_tls: false,
        global: Privileges(global),
        databases: Vec::new(),
        tables: Vec::new(),
    };
    let mut limited = account("limited", 0);
    limited.tables = vec![("shop".into(), "customers".into(), Privileges(privilege::SELECT))];
    for row in [account("root", privilege::STATIC | privilege::DYNAMIC), limited] {
        catalog.accounts.insert((row.user.clone(), row.host.clone()), Arc::new(row));
    }
    Arc::new(catalog)
}

/// A server with two sessions and a hundred rows in every table.
pub struct Facts;

impl Server for Facts {
    fn processes(&self) -> Vec<ProcessRow> {
        let row = |id, user: &str| ProcessRow {
            id,
            user: user.into(),
            host: "10.0.0.1:9".into(),
            command: "Query",
            state: "executing",
            info: Some("x".repeat(200)),
            ..ProcessRow::default()
        };
        vec![row(1, "root"), row(2, "limited")]
    }

    fn table_facts(&self, _: &Table) -> TableFacts {
        TableFacts { rows: 100, data_bytes: 6_400, index_bytes: 800, auto_next: Some(5) }
    }

    fn counts(&self, _: Option<u64>) -> BTreeMap<&'static str, u64> {
        [("Questions", 3), ("Uptime", 9)].into()
    }
}

/// Runs `work` with what a user sees who is in `shop`.
pub fn as_user<T>(user: &str, work: impl FnOnce(&Seen<'_>) -> T) -> T {
    let (catalog, variables) = (catalog(), Variables::default());
    let diagnostics = Diagnostics::default();
    let account = catalog.accounts.get(&(user.to_owned(), "%".to_owned())).cloned();
    work(&Seen {
        catalog: &catalog,
        account,
        user: &format!("{user}@%"),
        database: Some("shop"),
        variables: &variables,
        zone: Zone::default(),
        connection_id: 1,
        server: &Facts,
        diagnostics: &diagnostics,
    })
}
