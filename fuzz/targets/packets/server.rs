//! The server: answers every command with something that its kind may be answered with.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use holdfast_io::net::Stream;
use holdfast_value::{Collation, Decimal, LobSize, SqlType, Value};
use holdfast_wire::{
    Account, AccountName, Accounts, Capabilities, ColumnMeta, Command, Connection, Format,
    LongData, OkPacket, ParamType, Peer, Plugin, Status, Wait, WireConfig, WireError,
    hash_password, params,
};

const WAIT: Wait = Wait { idle: Duration::from_secs(5), packet_max: 200_000 };
/// Of long data of one statement. [bytes]
const LONG_MAX: u64 = 100_000;

/// Who there is.
pub struct Fixed(Vec<Account>);

impl Accounts for Fixed {
    fn find(&self, user: &str, _host: &str) -> Option<Account> {
        self.0.iter().find(|account| account.name.user == user).cloned()
    }
}

/// The accounts; made once.
pub fn accounts() -> &'static Fixed {
    static ALL: LazyLock<Fixed> = LazyLock::new(|| {
        let account = |user: &str, plugin, password: &[u8]| Account {
            name: AccountName { user: user.to_owned(), host: "%".to_owned() },
            plugin,
            auth: hash_password(plugin, password, b"abcdefghijklmnopqrst"),
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
    });
    &ALL
}

#[derive(Default)]
struct Session {
    params: usize,
    bound: Vec<ParamType>,
    long: LongData,
}

/// One conversation, to its end.
pub async fn serve(stream: Box<dyn Stream>, shared: Arc<WireConfig>) {
    let peer = Peer { address: ([127, 0, 0, 1], 50_000).into(), connection_id: 1 };
    let accepted = Connection::accept(stream, shared, accounts(), peer).await;
    crate::login_is_over();
    let Ok((mut connection, login)) = accepted else { return };
    if login.database.as_deref() == Some("nowhere") {
        connection.error(1049, "42000", "Unknown database 'nowhere'");
        let _ = connection.close().await;
        return;
    }
    connection.ok(&OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() });
    let mut session = Session::default();
    while let Ok(Some(command)) = connection.next_command(WAIT).await {
        if matches!(command, Command::Quit)
            || answer(&mut connection, &mut session, command).await.is_err()
        {
            break;
        }
    }
    let _ = connection.close().await;
}

async fn answer(
    connection: &mut Connection,
    session: &mut Session,
    command: Command,
) -> Result<(), WireError> {
    match command {
        Command::Query(text) => query(connection, &text).await?,
        Command::ChangeUser(change) => {
            connection.change_user(*change, accounts()).await?;
            connection.ok(&OkPacket::default());
        }
        Command::StmtPrepare(text) => {
            session.params = text.iter().filter(|byte| **byte == b'?').count();
            *session = Session { params: session.params, ..Session::default() };
            connection.prepare_ok(1, session.params as u16, &columns(), 0);
        }
        Command::StmtExecute { body, flags, .. } => {
            execute(connection, session, flags, &body).await?
        }
        Command::StmtSendLongData { param, data, .. } => {
            if !session.long.append(param, &data, LONG_MAX) {
                session.long.clear();
            }
        }
        Command::StmtReset(_) => {
            session.long.clear();
            connection.ok(&OkPacket::default());
        }
        Command::StmtFetch { rows, .. } => {
            connection.resume_rows();
            for _ in 0..rows.min(5) {
                connection.row(&row(), &types()).await?;
            }
            connection.end(Status::AUTOCOMMIT.with(Status::LAST_ROW_SENT), 0);
        }
        Command::FieldList { .. } => connection.field_list(&columns(), Status::AUTOCOMMIT),
        Command::Statistics => connection.statistics("Uptime: 1"),
        Command::SetOption(_) | Command::Debug => connection.end(Status::AUTOCOMMIT, 0),
        Command::StmtClose(_) | Command::Quit => {}
        Command::InitDb(_) | Command::Ping | Command::ResetConnection | Command::ProcessKill(_) => {
            connection.ok(&OkPacket { schema: Some("x"), ..OkPacket::default() });
        }
        Command::ProcessInfo | Command::Unknown(_) => {
            connection.error(1047, "08S01", "Unknown command")
        }
    }
    Ok(())
}

async fn execute(
    connection: &mut Connection,
    session: &mut Session,
    flags: u8,
    body: &bytes::Bytes,
) -> Result<(), WireError> {
    match params::decode(body, session.params, &mut session.bound, &session.long) {
        Ok(values) => {
            assert_eq!(values.len(), session.params, "as many values as parameters");
            let types = vec![SqlType::VarChar(20, Collation::Uca0900AiCi); values.len()];
            if flags == 1 {
                connection.columns_of_cursor(
                    &columns(),
                    Status::AUTOCOMMIT.with(Status::CURSOR_EXISTS),
                    0,
                );
            } else if values.is_empty() || types.is_empty() {
                connection.ok(&OkPacket::default());
            } else {
                connection.columns(&columns(), Format::Binary, Status::AUTOCOMMIT);
                connection.row(&row(), &self::types()).await?;
                connection.end(Status::AUTOCOMMIT, 0);
            }
        }
        Err(error) => connection.error(error.code(), error.state(), &error.message()),
    }
    session.long.clear();
    Ok(())
}

async fn query(connection: &mut Connection, text: &[u8]) -> Result<(), WireError> {
    match text.first() {
        Some(b'l' | b'L') if connection.capabilities().has(Capabilities::LOCAL_FILES) => {
            connection.local_infile(text).await?;
            let mut chunks = 0;
            while let Some(chunk) = connection.next_infile_chunk().await? {
                assert!(!chunk.is_empty() && chunk.len() <= 64 << 10, "a chunk's size");
                chunks += 1;
                // The rest is read by the next command.
                if chunks == usize::from(*text.last().unwrap_or(&0)) {
                    break;
                }
            }
            connection.ok(&OkPacket {
                affected: chunks as u64,
                info: "Records",
                ..OkPacket::default()
            });
        }
        Some(b's' | b'S') => {
            connection.columns(&columns(), Format::Text, Status::AUTOCOMMIT);
            for _ in 0..text.len().min(300) {
                connection.row(&row(), &types()).await?;
            }
            connection.end(Status::AUTOCOMMIT, 0);
        }
        Some(b'b') => connection.error(1064, "42000", &String::from_utf8_lossy(text)),
        _ => connection.ok(&OkPacket::default()),
    }
    Ok(())
}

fn types() -> Vec<SqlType> {
    vec![
        SqlType::BIGINT,
        SqlType::Decimal { precision: 10, scale: 2, unsigned: false },
        SqlType::Blob(LobSize::Normal),
        SqlType::DateTime(6),
        SqlType::VarChar(20, Collation::Uca0900AiCi),
    ]
}

fn row() -> Vec<Value> {
    vec![
        Value::Int(-1),
        Value::Decimal(Decimal::from_i64(5)),
        Value::Bytes(vec![0, 255, 1].into()),
        Value::DateTime(1_709_251_199_123_456),
        Value::Null,
    ]
}

fn columns() -> Vec<ColumnMeta> {
    let columns = types().into_iter().enumerate();
    columns.map(|(at, of)| ColumnMeta::expression(format!("c{at}"), of)).collect()
}
