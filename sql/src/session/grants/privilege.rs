//! Privileges: a bit and a name each.
//!
//! Bits 0 to 30 are MySQL's static privileges, in the order in which SHOW GRANTS
//! lists them; bits from 32 are its dynamic ones, in the order of their names.

/// SELECT
pub const SELECT: u64 = 1 << 0;
/// INSERT
pub const INSERT: u64 = 1 << 1;
/// UPDATE
pub const UPDATE: u64 = 1 << 2;
/// DELETE
pub const DELETE: u64 = 1 << 3;
/// CREATE
pub const CREATE: u64 = 1 << 4;
/// DROP
pub const DROP: u64 = 1 << 5;
/// RELOAD
pub const RELOAD: u64 = 1 << 6;
/// SHUTDOWN
pub const SHUTDOWN: u64 = 1 << 7;
/// PROCESS
pub const PROCESS: u64 = 1 << 8;
/// FILE
pub const FILE: u64 = 1 << 9;
/// GRANT OPTION
pub const GRANT: u64 = 1 << 10;
/// REFERENCES
pub const REFERENCES: u64 = 1 << 11;
/// INDEX
pub const INDEX: u64 = 1 << 12;
/// ALTER
pub const ALTER: u64 = 1 << 13;
/// SHOW DATABASES
pub const SHOW_DATABASES: u64 = 1 << 14;
/// SUPER
pub const SUPER: u64 = 1 << 15;
/// CREATE TEMPORARY TABLES
pub const CREATE_TEMPORARY: u64 = 1 << 16;
/// LOCK TABLES
pub const LOCK_TABLES: u64 = 1 << 17;
/// EXECUTE
pub const EXECUTE: u64 = 1 << 18;
/// REPLICATION SLAVE
pub const REPLICATION_SLAVE: u64 = 1 << 19;
/// REPLICATION CLIENT
pub const REPLICATION_CLIENT: u64 = 1 << 20;
/// CREATE VIEW
pub const CREATE_VIEW: u64 = 1 << 21;
/// SHOW VIEW
pub const SHOW_VIEW: u64 = 1 << 22;
/// CREATE ROUTINE
pub const CREATE_ROUTINE: u64 = 1 << 23;
/// ALTER ROUTINE
pub const ALTER_ROUTINE: u64 = 1 << 24;
/// CREATE USER
pub const CREATE_USER: u64 = 1 << 25;
/// EVENT
pub const EVENT: u64 = 1 << 26;
/// TRIGGER
pub const TRIGGER: u64 = 1 << 27;
/// CREATE TABLESPACE
pub const CREATE_TABLESPACE: u64 = 1 << 28;
/// CREATE ROLE
pub const CREATE_ROLE: u64 = 1 << 29;
/// DROP ROLE
pub const DROP_ROLE: u64 = 1 << 30;
/// CONNECTION_ADMIN
pub const CONNECTION_ADMIN: u64 = 1 << 34;
/// SYSTEM_VARIABLES_ADMIN
pub const SYSTEM_VARIABLES_ADMIN: u64 = 1 << 43;

/// A privilege.
#[derive(Clone, Copy, Debug)]
pub struct Privilege {
    /// Its bit.
    pub bit: u64,
    /// Its name, upper case.
    pub name: &'static str,
    /// Where it applies, as SHOW PRIVILEGES has it.
    pub context: &'static str,
    /// What it is for, as SHOW PRIVILEGES has it.
    pub comment: &'static str,
    /// That of `mysql.user`: none for dynamic ones.
    pub column: Option<&'static str>,
}

const fn one(
    at: u32,
    name: &'static str,
    column: &'static str,
    (context, comment): (&'static str, &'static str),
) -> Privilege {
    Privilege { bit: 1 << at, name, context, comment, column: Some(column) }
}

const fn dynamic(at: u32, name: &'static str) -> Privilege {
    Privilege { bit: 1 << at, name, context: "Server Admin", comment: "", column: None }
}

/// All of them, by bit.
pub static ALL: [Privilege; 44] = [
    one(0, "SELECT", "Select_priv", ("Tables", "To retrieve rows from table")),
    one(1, "INSERT", "Insert_priv", ("Tables", "To insert data into tables")),
    one(2, "UPDATE", "Update_priv", ("Tables", "To update existing rows")),
    one(3, "DELETE", "Delete_priv", ("Tables", "To delete existing rows")),
    one(
        4,
        "CREATE",
        "Create_priv",
        ("Databases,Tables,Indexes", "To create new databases and tables"),
    ),
    one(5, "DROP", "Drop_priv", ("Databases,Tables", "To drop databases, tables, and views")),
    one(
        6,
        "RELOAD",
        "Reload_priv",
        ("Server Admin", "To reload or refresh tables, logs and privileges"),
    ),
    one(7, "SHUTDOWN", "Shutdown_priv", ("Server Admin", "To shut down the server")),
    one(
        8,
        "PROCESS",
        "Process_priv",
        ("Server Admin", "To view the plain text of currently executing queries"),
    ),
    one(9, "FILE", "File_priv", ("File access on server", "To read and write files on the server")),
    one(
        10,
        "GRANT OPTION",
        "Grant_priv",
        (
            "Databases,Tables,Functions,Procedures",
            "To give to other users those privileges you possess",
        ),
    ),
    one(11, "REFERENCES", "References_priv", ("Databases,Tables", "To have references on tables")),
    one(12, "INDEX", "Index_priv", ("Tables", "To create or drop indexes")),
    one(13, "ALTER", "Alter_priv", ("Tables", "To alter the table")),
    one(
        14,
        "SHOW DATABASES",
        "Show_db_priv",
        ("Server Admin", "To see all databases with SHOW DATABASES"),
    ),
    one(
        15,
        "SUPER",
        "Super_priv",
        ("Server Admin", "To use KILL thread, SET GLOBAL, CHANGE MASTER, etc."),
    ),
    one(
        16,
        "CREATE TEMPORARY TABLES",
        "Create_tmp_table_priv",
        ("Databases", "To use CREATE TEMPORARY TABLE"),
    ),
    one(
        17,
        "LOCK TABLES",
        "Lock_tables_priv",
        ("Databases", "To use LOCK TABLES (together with SELECT privilege)"),
    ),
    one(18, "EXECUTE", "Execute_priv", ("Functions,Procedures", "To execute stored routines")),
    one(
        19,
        "REPLICATION SLAVE",
        "Repl_slave_priv",
        ("Server Admin", "To read binary log events from the master"),
    ),
    one(
        20,
        "REPLICATION CLIENT",
        "Repl_client_priv",
        ("Server Admin", "To ask where the slave or master servers are"),
    ),
    one(21, "CREATE VIEW", "Create_view_priv", ("Tables", "To create new views")),
    one(22, "SHOW VIEW", "Show_view_priv", ("Tables", "To see views with SHOW CREATE VIEW")),
    one(
        23,
        "CREATE ROUTINE",
        "Create_routine_priv",
        ("Databases", "To use CREATE FUNCTION/PROCEDURE"),
    ),
    one(
        24,
        "ALTER ROUTINE",
        "Alter_routine_priv",
        ("Functions,Procedures", "To alter or drop stored functions/procedures"),
    ),
    one(25, "CREATE USER", "Create_user_priv", ("Server Admin", "To create new users")),
    one(26, "EVENT", "Event_priv", ("Server Admin", "To create, alter, drop and execute events")),
    one(27, "TRIGGER", "Trigger_priv", ("Tables", "To use triggers")),
    one(
        28,
        "CREATE TABLESPACE",
        "Create_tablespace_priv",
        ("Server Admin", "To create/alter/drop tablespaces"),
    ),
    one(29, "CREATE ROLE", "Create_role_priv", ("Server Admin", "To create new roles")),
    one(30, "DROP ROLE", "Drop_role_priv", ("Server Admin", "To drop roles")),
    dynamic(32, "BACKUP_ADMIN"),
    dynamic(33, "BINLOG_ADMIN"),
    dynamic(34, "CONNECTION_ADMIN"),
    dynamic(35, "ENCRYPTION_KEY_ADMIN"),
    dynamic(36, "FLUSH_STATUS"),
    dynamic(37, "FLUSH_TABLES"),
    dynamic(38, "REPLICATION_APPLIER"),
    dynamic(39, "RESOURCE_GROUP_ADMIN"),
    dynamic(40, "ROLE_ADMIN"),
    dynamic(41, "SESSION_VARIABLES_ADMIN"),
    dynamic(42, "SET_USER_ID"),
    dynamic(43, "SYSTEM_VARIABLES_ADMIN"),
    dynamic(44, "XA_RECOVER_ADMIN"),
];

/// The static ones; what ALL means on `*.*`, with [`DYNAMIC`], without GRANT OPTION.
pub const STATIC: u64 = (1 << 31) - 1;
/// The dynamic ones.
pub const DYNAMIC: u64 = 0x1fff << 32;
/// What may be granted on a database, GRANT OPTION included.
pub const OF_DATABASE: u64 = SELECT
    | INSERT
    | UPDATE
    | DELETE
    | CREATE
    | DROP
    | GRANT
    | REFERENCES
    | INDEX
    | ALTER
    | CREATE_TEMPORARY
    | LOCK_TABLES
    | EXECUTE
    | CREATE_VIEW
    | SHOW_VIEW
    | CREATE_ROUTINE
    | ALTER_ROUTINE
    | EVENT
    | TRIGGER;
/// What may be granted on a table, GRANT OPTION included.
pub const OF_TABLE: u64 = SELECT
    | INSERT
    | UPDATE
    | DELETE
    | CREATE
    | DROP
    | GRANT
    | REFERENCES
    | INDEX
    | ALTER
    | CREATE_VIEW
    | SHOW_VIEW
    | TRIGGER;

/// A privilege by name, upper case.
pub fn named(name: &str) -> Option<&'static Privilege> {
    ALL.iter().find(|one| one.name == name)
}

/// The names of a set, with `, ` between.
pub fn names(bits: u64) -> String {
    let of: Vec<&str> = ALL.iter().filter(|one| bits & one.bit != 0).map(|one| one.name).collect();
    of.join(", ")
}
