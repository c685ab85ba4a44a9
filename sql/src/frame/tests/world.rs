//! Small tables in memory, and queries over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::TryStreamExt;
use holdfast_base::{TableId, Ts};
use holdfast_io::rng::SeededRng;
use holdfast_syntax::ParseMode;
use holdfast_tail::columns::{Builder, data_type};
use holdfast_value::{Collation, Context, IntWidth, SqlType, Value, show};

use crate::algebra::{Query, Scan};
use crate::bind::{Binder, Setting, literal_of};
use crate::catalog::{
    Catalog, ColumnRow, DatabaseRow, Entry, KeyPart, Table, TableBody, TableKind, TableRow,
};
use crate::error::{Result, SqlError};
use crate::expr::Typed;
use crate::expr::eval::{Env, Facts, Layout};
use crate::frame::{Engine, Limits, Source, Sources, resolve, rows_of};
use crate::session::schema::VirtualTable;

/// Tables and their rows.
#[derive(Default)]
pub(super) struct World {
    catalog: Catalog,
    rows: BTreeMap<TableId, Vec<Vec<Value>>>,
}

/// The type that a test calls so: `int`, `decimal(15,2)`, `varchar bin`.
fn of(text: &str) -> SqlType {
    let (text, collation) = match text.split_once(' ') {
        Some((text, "bin")) => (text, Collation::Bin),
        Some((text, "general")) => (text, Collation::GeneralCi),
        Some((text, _)) => (text, Collation::Binary),
        None => (text, Collation::Uca0900AiCi),
    };
    if let Some(shape) = text.strip_prefix("decimal(") {
        let (precision, scale) = shape.trim_end_matches(')').split_once(',').expect("two numbers");
        let (precision, scale) = (precision.parse(), scale.parse());
        return SqlType::Decimal {
            precision: precision.expect("a number"),
            scale: scale.expect("a number"),
            unsigned: false,
        };
    }
    match text {
        "tiny" => SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: None },
        "int" => SqlType::INT,
        "bigint" => SqlType::BIGINT,
        "ubigint" => SqlType::BIGINT_UNSIGNED,
        "double" => SqlType::DOUBLE,
        "float" => SqlType::Float { unsigned: false },
        "char" => SqlType::Char(50, collation),
        "varchar" => SqlType::VarChar(100, collation),
        "varbinary" => SqlType::VarBinary(100),
        "date" => SqlType::Date,
        "datetime" => SqlType::DateTime(0),
        "timestamp" => SqlType::Timestamp(0),
        "time" => SqlType::Time(0),
        "year" => SqlType::Year,
        "json" => SqlType::Json,
        "enum" => SqlType::Enum(
            ["small".to_owned(), "medium".to_owned(), "large".to_owned()].into(),
            collation,
        ),
        other => panic!("no type {other}"),
    }
}

impl World {
    /// Adds a table. `columns`: `id int not, name varchar` ; the first is the primary
    /// key. `rows`: a line each, values as SQL between `|`.
    pub fn table(&mut self, name: &str, columns: &str, rows: &str) {
        let column = |(slot, text): (usize, &str)| {
            let (name, rest) = text.trim().split_once(' ').expect("a name and a type");
            let nullable = !rest.ends_with(" not");
            ColumnRow {
                name: name.into(),
                slot: slot as u16,
                of: of(rest.trim_end_matches(" not")),
                nullable,
                default: None,
                on_update: false,
                auto: false,
                comment: String::new(),
                fill: None,
                generated: None,
            }
        };
        let columns: Vec<ColumnRow> = columns.split(';').enumerate().map(column).collect();
        let body = TableBody {
            slots: columns.iter().map(|column| column.of.clone()).collect(),
            columns,
            primary: vec![KeyPart { column: 0, prefix: None, desc: false }],
            indexes: Vec::new(),
            foreign: Vec::new(),
            checks: Vec::new(),
            collation: Collation::default(),
            row_format: None,
        };
        let id = TableId(1024 + self.rows.len() as u64);
        let row = TableRow {
            v: 1,
            id,
            database: 1,
            name: name.into(),
            version: 1,
            created: 0,
            comment: String::new(),
            kind: TableKind::Table(body.clone()),
        };
        let parse = |line: &str| {
            line.split('|')
                .zip(&body.columns)
                .map(|(text, column)| literal_of(text.trim(), &column.of).expect("a literal"))
                .collect()
        };
        let lines = rows.lines().map(str::trim).filter(|line| !line.is_empty());
        self.rows.insert(id, lines.map(parse).collect());
        let table = Table::new(row, body, ("test".into(), Ts::default()), &literal_of);
        let table = Arc::new(table.expect("a table"));
        self.catalog.tables.insert(id, Arc::clone(&table));
        self.catalog.entries.insert(("test".into(), name.into()), Entry::Table(table));
    }

    pub fn done(mut self) -> Ready {
        let database =
            DatabaseRow { v: 1, id: 1, name: "test".into(), collation: Collation::default() };
        self.catalog.databases.insert("test".into(), Arc::new(database));
        let limits = Limits {
            partitions: 2,
            memory_bytes: 64 << 20,
            batch_rows: 1024,
            spill: None,
            runtime: None,
        };
        Ready {
            catalog: Arc::new(self.catalog),
            sources: Arc::new(Memory { rows: self.rows }),
            engine: Engine::new(&limits, Arc::new(SeededRng::new(7))).expect("an engine"),
        }
    }
}

/// Tables that can be asked.
pub(super) struct Ready {
    catalog: Arc<Catalog>,
    sources: Arc<dyn Sources>,
    engine: Engine,
}

impl Ready {
    fn bind(&self, sql: &str, context: &mut Context) -> Result<Query> {
        let ast = crate::parse::query(sql, &ParseMode::default())?;
        let variables = BTreeMap::new();
        let setting = Setting {
            database: Some("test"),
            collation: Collation::default(),
            full_group_by: true,
            pipes_as_concat: false,
            params: &[],
            variables: &variables,
            system: |_| None,
        };
        let mut binder = Binder::new(&self.catalog, setting, context.clone());
        let mut query = binder.query(&ast)?;
        let mut env = Env {
            row: &[],
            layout: &Layout::default(),
            params: &[],
            facts: &mut Facts::default(),
            system: &|_, _| None,
            rng: &SeededRng::new(7),
            context,
        };
        resolve(&mut query, &mut env)?;
        Ok(query)
    }

    /// The rows of a query: values between `,`, rows between `|`.
    pub fn ask(&self, sql: &str, context: &mut Context) -> Result<(String, Vec<u16>)> {
        let query = self.bind(sql, context)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(SqlError::internal)?;
        runtime.block_on(async {
            let rows = self.engine.run(&query, &self.sources, context, 1024).await?;
            let mut stream = rows;
            let mut lines: Vec<String> = Vec::new();
            while let Some(batch) = stream.try_next().await? {
                for row in rows_of(&batch, &query.columns)? {
                    let shown = row.iter().zip(&query.columns).map(|(value, output)| {
                        if value.is_null() {
                            return "NULL".to_owned();
                        }
                        let mut text = Vec::new();
                        show::write(value, &output.of, &mut text);
                        String::from_utf8_lossy(&text).into_owned()
                    });
                    lines.push(shown.collect::<Vec<_>>().join(","));
                }
            }
            if !sql.to_ascii_lowercase().contains("order by") || sql.contains("/*any*/") {
                lines.sort();
            }
            let (warnings, _) = stream.take_warnings();
            Ok((lines.join("|"), warnings.iter().map(|warning| warning.code()).collect()))
        })
    }

    /// Without ORDER BY rows come in the order of their texts.
    pub fn check(&self, sql: &str, expected: &str) {
        match self.ask(sql, &mut Context::default()) {
            Ok((rows, _)) => assert_eq!(rows, expected, "{sql}"),
            Err(error) => assert_eq!(error.to_string(), expected, "{sql}"),
        }
    }

    /// Checks all and says of every one that fails.
    pub fn check_all(&self, cases: &[(&str, &str)]) {
        let mut wrong = Vec::new();
        for (sql, expected) in cases {
            let rows = match self.ask(sql, &mut Context::default()) {
                Ok((rows, _)) => rows,
                Err(error) => error.to_string(),
            };
            if rows != *expected {
                wrong.push(format!("{sql}\n  expected {expected}\n  found    {rows}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    pub fn explain(&self, sql: &str) -> String {
        let mut context = Context::default();
        let query = self.bind(sql, &mut context).expect("it binds");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let plan = runtime.block_on(self.engine.explain(&query, &self.sources, &context));
        plan.expect("it plans")
    }
}

/// Rows in memory, in two parts.
struct Memory {
    rows: BTreeMap<TableId, Vec<Vec<Value>>>,
}

impl Sources for Memory {
    fn scan<'a>(
        &'a self,
        scan: &'a Scan,
        columns: &'a [usize],
        _: &'a [Typed],
        _: usize,
    ) -> holdfast_api::BoxFuture<'a, Result<Source>> {
        Box::pin(async move { self.source(scan, columns) })
    }

    fn rows(&self, table: &'static VirtualTable) -> Result<Vec<Vec<Value>>> {
        Err(SqlError::no_table(table.database, table.name))
    }
}

impl Memory {
    fn source(&self, scan: &Scan, columns: &[usize]) -> Result<Source> {
        let rows = &self.rows[&scan.table.id];
        let null = Value::Null;
        let part = |rows: &[Vec<Value>]| -> Result<super::super::Partition> {
            let types: Vec<&SqlType> =
                columns.iter().map(|at| &scan.table.columns[*at].of).collect();
            let slots = types.iter().enumerate().map(|(at, of)| (at, *of, &null));
            let mut builder = Builder::new(slots, rows.len());
            for row in rows {
                let row: Vec<Value> = columns.iter().map(|at| row[*at].clone()).collect();
                builder.push_values(&row)?;
            }
            let fields = types.iter().map(|of| Field::new("x", data_type(of), true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let arrays: Vec<ArrayRef> = builder.finish();
            let count = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &count);
            let batch = batch.map_err(SqlError::internal)?;
            Ok(Arc::new(move || {
                let one = futures_util::stream::iter([Ok(batch.clone())]);
                Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), one)))
            }))
        };
        let (first, second) = rows.split_at(rows.len() / 2);
        Ok(Source {
            partitions: vec![part(first)?, part(second)?],
            rows: Some(rows.len()),
            exact: true,
        })
    }
}
