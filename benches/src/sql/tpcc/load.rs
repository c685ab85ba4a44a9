//! The initial population. (Clause 4.3.3.1.)
//!
//! Sums of a small load stand in the same relations as those of a whole one (3.3.2.1, .8 and .9):
//! a district's D_YTD is 10.00 for each of its customers, as H_AMOUNT says.

use anyhow::{Context, Result};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::random::{LOAD, Random, last_name, money};
use super::schema::{DISTRICTS, Scale, TABLES};

/// Text of one INSERT, about; small enough for every server's largest transaction.
const BATCH_BYTES: usize = 128 << 10;
/// When everything was loaded.
const NOW: &str = "'2026-01-01 00:00:00'";

/// Rows of one table, sent many at a time.
struct Batch<'a> {
    connection: &'a mut Conn,
    table: &'static str,
    text: String,
}

impl<'a> Batch<'a> {
    fn new(connection: &'a mut Conn, table: &'static str) -> Self {
        Self { connection, table, text: String::new() }
    }

    async fn row(&mut self, row: String) -> Result<()> {
        if self.text.is_empty() {
            self.text = format!("INSERT INTO {} VALUES ({row})", self.table);
        } else {
            self.text += &format!(",({row})");
        }
        if self.text.len() > BATCH_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return Ok(());
        }
        let sent = self.connection.query_drop(text).await;
        sent.with_context(|| format!("could not load {}", self.table))
    }
}

/// Makes the tables and fills them.
pub async fn load(connection: &mut Conn, scale: Scale) -> Result<()> {
    for table in TABLES {
        let made = connection.query_drop(*table).await;
        made.with_context(|| format!("could not {}", &table[..table.len().min(30)]))?;
    }
    let mut random = Random::new(1);
    items(connection, scale, &mut random).await?;
    for w in 1..=scale.warehouses {
        warehouse(connection, scale, w, &mut random).await?;
        stock(connection, scale, w, &mut random).await?;
        for d in 1..=DISTRICTS {
            customers(connection, scale, (w, d), &mut random).await?;
            orders(connection, scale, (w, d), &mut random).await?;
        }
    }
    Ok(())
}

async fn items(connection: &mut Conn, scale: Scale, random: &mut Random) -> Result<()> {
    let mut batch = Batch::new(connection, "item");
    for i in 1..=scale.items {
        let (image, name) = (random.within(1, 10_000), random.text(14, 24));
        let (price, data) = (money(random.within(100, 10_000) as i64), random.data());
        batch.row(format!("{i},{image},'{name}',{price},'{data}'")).await?;
    }
    batch.flush().await
}

/// Street, street, city, state, zip.
fn address(random: &mut Random) -> String {
    let (first, second, city) = (random.text(10, 20), random.text(10, 20), random.text(10, 20));
    format!("'{first}','{second}','{city}','{}','{}'", random.text(2, 2), random.zip())
}

/// 0.0000 to 0.`most`.
fn rate(random: &mut Random, most: u64) -> String {
    format!("0.{:04}", random.within(0, most))
}

async fn warehouse(connection: &mut Conn, scale: Scale, w: u64, random: &mut Random) -> Result<()> {
    let paid = 10 * scale.customers;
    let mut batch = Batch::new(connection, "warehouse");
    let (name, address, tax) = (random.text(6, 10), address(random), rate(random, 2000));
    batch.row(format!("{w},'{name}',{address},{tax},{}.00", paid * DISTRICTS)).await?;
    batch.flush().await?;
    let mut batch = Batch::new(connection, "district");
    for d in 1..=DISTRICTS {
        let name = random.text(6, 10);
        let (address, tax) = (self::address(random), rate(random, 2000));
        let next = scale.customers + 1;
        batch.row(format!("{d},{w},'{name}',{address},{tax},{paid}.00,{next}")).await?;
    }
    batch.flush().await
}

async fn stock(connection: &mut Conn, scale: Scale, w: u64, random: &mut Random) -> Result<()> {
    let mut batch = Batch::new(connection, "stock");
    for i in 1..=scale.items {
        let quantity = random.within(10, 100);
        let districts: Vec<String> =
            (0..DISTRICTS).map(|_| format!("'{}'", random.text(24, 24))).collect();
        let (districts, data) = (districts.join(","), random.data());
        batch.row(format!("{i},{w},{quantity},{districts},0,0,0,'{data}'")).await?;
    }
    batch.flush().await
}

async fn customers(
    connection: &mut Conn,
    scale: Scale,
    (w, d): (u64, u64),
    random: &mut Random,
) -> Result<()> {
    let mut batch = Batch::new(connection, "customer");
    for c in 1..=scale.customers {
        let name = if c <= 1000 { c - 1 } else { random.last_name(LOAD, scale.names()) };
        let (first, address) = (random.text(8, 16), address(random));
        let (phone, discount) = (random.digits(16), rate(random, 5000));
        let credit = if random.percent(10) { "BC" } else { "GC" };
        let (last, data) = (last_name(name), random.text(300, 500));
        batch
            .row(format!(
                "{c},{d},{w},'{first}','OE','{last}',{address},'{phone}',{NOW},'{credit}',50000.00,{discount},\
                 -10.00,10.00,1,0,'{data}'"
            ))
            .await?;
    }
    batch.flush().await?;
    let mut batch = Batch::new(connection, "history");
    for c in 1..=scale.customers {
        let data = random.text(12, 24);
        batch.row(format!("{c},{d},{w},{d},{w},{NOW},10.00,'{data}'")).await?;
    }
    batch.flush().await
}

async fn orders(
    connection: &mut Conn,
    scale: Scale,
    (w, d): (u64, u64),
    random: &mut Random,
) -> Result<()> {
    let mut customers: Vec<u64> = (1..=scale.customers).collect();
    random.shuffle(&mut customers);
    let lines: Vec<u64> = customers.iter().map(|_| random.within(5, 15)).collect();
    let mut batch = Batch::new(connection, "orders");
    for (o, (c, lines)) in (1..).zip(customers.iter().zip(&lines)) {
        let delivered = o <= scale.delivered();
        let carrier = if delivered { random.within(1, 10).to_string() } else { "NULL".to_owned() };
        batch.row(format!("{o},{d},{w},{c},{NOW},{carrier},{lines},1")).await?;
    }
    batch.flush().await?;
    let mut batch = Batch::new(connection, "order_line");
    for (o, &lines) in (1..).zip(&lines) {
        let delivered = o <= scale.delivered();
        for number in 1..=lines {
            let (item, info) = (random.within(1, scale.items), random.text(24, 24));
            let cents = if delivered { 0 } else { random.within(1, 999_999) as i64 };
            let (amount, when) = (money(cents), if delivered { NOW } else { "NULL" });
            batch
                .row(format!("{o},{d},{w},{number},{item},{w},{when},5,{amount},'{info}'"))
                .await?;
        }
    }
    batch.flush().await?;
    let mut batch = Batch::new(connection, "new_order");
    for o in scale.delivered() + 1..=scale.customers {
        batch.row(format!("{o},{d},{w}")).await?;
    }
    batch.flush().await
}
