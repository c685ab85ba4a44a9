//! The conversation of the example server; tests drive it, too.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use holdfast_io::net::Stream;
use holdfast_value::{Collation, Decimal, IntWidth, LobSize, SqlType, Value};
use holdfast_wire::{
    Account, AccountName, Accounts, ColumnMeta, Command, Connection, Format, LongData, OkPacket,
    ParamType, Peer, Plugin, Status, Wait, WireConfig, WireError, hash_password, params,
};

pub struct Fixed(Vec<Account>);

impl Accounts for Fixed {
    fn find(&self, user: &str, _host: &str) -> Option<Account> {
        self.0.iter().find(|account| account.name.user == user).cloned()
    }
}

pub fn accounts() -> &'static Fixed {
    static ALL: LazyLock<Fixed> = LazyLock::new(make_accounts);
    &ALL
}

fn make_accounts() -> Fixed {
    let salt = *b"abcdefghijklmnopqrst";
    let account = |user: &str, plugin, password: &[u8]| Account {
        name: AccountName { user: user.to_owned(), host: "%".to_owned() },
        plugin,
        auth: hash_password(plugin, password, &salt),
        is_locked: user == "locked",
        requires_tls: user == "tls",
    };
    Fixed(vec![
        account("sha", Plugin::CachingSha2, b"secret"),
        account("native", Plugin::Native, b"secret"),
        account("open", Plugin::CachingSha2, b""),
        account("tls", Plugin::CachingSha2, b"secret"),
        account("locked", Plugin::Native, b"secret"),
    ])
}

struct Session {
    bound: Vec<ParamType>,
    long: LongData,
    params: usize,
    fetched: u64,
}

pub async fn serve(
    stream: Box<dyn Stream>,
    shared: Arc<WireConfig>,
    accounts: &dyn Accounts,
    peer: Peer,
) -> Result<(), WireError> {
    let (mut connection, login) = Connection::accept(stream, shared, accounts, peer).await?;
    println!(
        "{}: {} db {:?} collation {} tls {} can {:#x} {:?}",
        peer.connection_id,
        login.account,
        login.database,
        login.collation,
        login.is_tls,
        login.capabilities.bits(),
        login.attributes,
    );
    if login.database.as_deref() == Some("nowhere") {
        connection.error(1049, "42000", "Unknown database 'nowhere'");
        return connection.close().await;
    }
    connection.ok(&OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() });
    let wait = Wait { idle: Duration::from_secs(600), packet_max: 64 << 20 };
    let mut session =
        Session { bound: Vec::new(), long: LongData::default(), params: 0, fetched: 0 };
    while let Some(command) = connection.next_command(wait).await? {
        match command {
            Command::Quit => break,
            Command::ChangeUser(change) => {
                let login = connection.change_user(*change, accounts).await?;
                println!("{}: now {}", peer.connection_id, login.account);
                connection.ok(&OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() });
            }
            command => answer(&mut connection, command, &mut session).await?,
        }
    }
    connection.close().await
}

async fn answer(
    connection: &mut Connection,
    command: Command,
    session: &mut Session,
) -> Result<(), WireError> {
    let fine = OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() };
    match command {
        Command::Query(text) => query(connection, &text).await?,
        Command::Ping | Command::ResetConnection | Command::StmtReset(_) => connection.ok(&fine),
        Command::InitDb(name) => {
            let name = String::from_utf8_lossy(&name);
            connection.ok(&OkPacket { schema: Some(&name), ..fine });
        }
        Command::FieldList { .. } => connection.field_list(&columns(), Status::AUTOCOMMIT),
        Command::Statistics => connection.statistics("Uptime: 1  Threads: 1  Questions: 1"),
        Command::SetOption(_) | Command::Debug => connection.end(Status::AUTOCOMMIT, 0),
        Command::StmtPrepare(text) => {
            session.params = text.iter().filter(|byte| **byte == b'?').count();
            session.bound.clear();
            connection.prepare_ok(1, session.params as u16, &columns(), 0);
        }
        Command::StmtSendLongData { param, data, .. } => {
            let _ = session.long.append(param, &data, 1 << 20);
        }
        Command::StmtExecute { flags, body, .. } => {
            let values = params::decode(&body, session.params, &mut session.bound, &session.long)?;
            session.long.clear();
            println!("params {values:?}");
            if flags & 1 == 1 {
                session.fetched = 0;
                connection.columns_of_cursor(&columns(), Status::AUTOCOMMIT, 0);
                return Ok(());
            }
            connection.columns(&columns(), Format::Binary, Status::AUTOCOMMIT);
            connection.row(&row(), &types()).await?;
            connection.row(&vec![Value::Null; types().len()], &types()).await?;
            connection.end(Status::AUTOCOMMIT, 0);
        }
        Command::StmtFetch { rows, .. } => {
            connection.resume_rows();
            let count = u64::from(rows).min(10 - session.fetched);
            for _ in 0..count {
                connection.row(&row(), &types()).await?;
            }
            session.fetched += count;
            let status = Status::AUTOCOMMIT.with(Status::CURSOR_EXISTS);
            let is_last = session.fetched == 10;
            connection.end(if is_last { status.with(Status::LAST_ROW_SENT) } else { status }, 0);
        }
        Command::StmtClose(_) => {}
        other => connection.error(1047, "08S01", &format!("Unknown command {other:?}")),
    }
    Ok(())
}

async fn query(connection: &mut Connection, text: &[u8]) -> Result<(), WireError> {
    let text = String::from_utf8_lossy(text).into_owned();
    println!("query {}", text.chars().take(200).collect::<String>());
    let lower = text.to_lowercase();
    let status = Status::AUTOCOMMIT;
    if lower.starts_with("load") {
        let name = text.split('\'').nth(1).unwrap_or("x").to_owned();
        connection.local_infile(name.as_bytes()).await?;
        let mut size = 0;
        while let Some(chunk) = connection.next_infile_chunk().await? {
            size += chunk.len() as u64;
            if lower.contains("stop") {
                connection.error(1062, "23000", "Duplicate entry '1' for key 'PRIMARY'");
                return Ok(());
            }
        }
        let ok = OkPacket { affected: size, status, info: "Records: 1", ..OkPacket::default() };
        connection.ok(&ok);
    } else if lower.contains("many") {
        let columns = [ColumnMeta::expression("n", SqlType::BIGINT)];
        connection.columns(&columns, Format::Text, status);
        for at in 0..100_000 {
            connection.row(&[Value::Int(at)], &[SqlType::BIGINT]).await?;
        }
        connection.end(status, 0);
    } else if lower.contains("big") {
        let of = SqlType::Blob(LobSize::Long);
        connection.columns(&[ColumnMeta::expression("b", of.clone())], Format::Text, status);
        let big = Value::Bytes(vec![b'x'; 20_000_000].into());
        connection.row(&[big], &[of]).await?;
        connection.end(status, 0);
    } else if lower.contains("two") {
        for status in [status.with(Status::MORE_RESULTS), status] {
            connection.columns(&columns(), Format::Text, status);
            connection.row(&row(), &types()).await?;
            connection.end(status, 0);
        }
    } else if lower.starts_with("select") {
        connection.columns(&columns(), Format::Text, status);
        connection.row(&row(), &types()).await?;
        connection.row(&vec![Value::Null; types().len()], &types()).await?;
        connection.end(status, 0);
    } else if lower.starts_with("bad") {
        connection.error(1064, "42000", "You have an error in your SQL syntax");
    } else {
        connection.ok(&OkPacket { affected: 1, status, info: "fine", ..OkPacket::default() });
    }
    Ok(())
}

fn types() -> Vec<SqlType> {
    let ai = Collation::Uca0900AiCi;
    let int = |width, unsigned| SqlType::Int { width, unsigned, display: None };
    let texts: Arc<[String]> = Arc::new(["a".to_owned(), "b".to_owned()]);
    vec![
        SqlType::BOOL,
        int(IntWidth::Small, false),
        int(IntWidth::Medium, false),
        int(IntWidth::Int, true),
        int(IntWidth::Big, true),
        SqlType::Decimal { precision: 10, scale: 2, unsigned: false },
        SqlType::DOUBLE,
        SqlType::VarChar(20, ai),
        SqlType::Text(LobSize::Normal, ai),
        SqlType::Blob(LobSize::Normal),
        SqlType::Date,
        SqlType::DateTime(6),
        SqlType::Time(0),
        SqlType::Json,
        SqlType::Enum(Arc::clone(&texts), ai),
        SqlType::Bit(9),
        SqlType::Year,
    ]
}

fn row() -> Vec<Value> {
    vec![
        Value::Int(1),
        Value::Int(-300),
        Value::Int(-70_000),
        Value::UInt(4_000_000_000),
        Value::UInt(u64::MAX),
        Value::Decimal(Decimal { digits: 12_345_i64.into(), scale: 2 }),
        Value::Double(1.5),
        Value::text("h\u{e9}llo"),
        Value::text("long text"),
        Value::Bytes(vec![0, 255, 1].into()),
        Value::Date(19_782),
        Value::DateTime(1_709_251_199_123_456),
        Value::Time(-3_661_000_000),
        Value::Json("{\"a\": 1}".into()),
        Value::text("b"),
        Value::UInt(257),
        Value::UInt(2024),
    ]
}

fn columns() -> Vec<ColumnMeta> {
    let columns = types().into_iter().enumerate();
    columns.map(|(at, of)| ColumnMeta::expression(format!("c{at}"), of)).collect()
}
