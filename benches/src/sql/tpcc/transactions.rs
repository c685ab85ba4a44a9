//! The five transactions as SQL, each from START TRANSACTION to COMMIT. (Clauses 2.4.2 to 2.8.2.)
//!
//! Not here: their inputs (`input`), what happens after a deadlock (`drive`).

use anyhow::{Context, Result};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::input::{Input, Line, Who};
use super::random::{cents, last_name, money};
use super::schema::DISTRICTS;

/// How a transaction ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Committed,
    /// A New-Order that asked for an item that is not there.
    RolledBack,
}

/// Runs one transaction for a terminal of warehouse `w`.
pub async fn run(connection: &mut Conn, w: u64, input: &Input) -> Result<End> {
    connection.query_drop("START TRANSACTION").await?;
    match input {
        Input::NewOrder { district, customer, lines } => {
            return new_order(connection, (w, *district, *customer), lines).await;
        }
        Input::Payment { district, home, who, cents } => {
            payment(connection, (w, *district), (*home, *who), *cents).await?;
        }
        Input::OrderStatus { district, who } => {
            order_status(connection, (w, *district), *who).await?;
        }
        Input::Delivery { carrier } => {
            for district in 1..=DISTRICTS {
                deliver(connection, (w, district), *carrier).await?;
            }
        }
        Input::StockLevel { district, threshold } => {
            stock_level(connection, (w, *district), *threshold).await?;
        }
    }
    connection.query_drop("COMMIT").await?;
    Ok(End::Committed)
}

async fn new_order(
    connection: &mut Conn,
    (w, d, c): (u64, u64, u64),
    lines: &[Line],
) -> Result<End> {
    let district: Option<(String, u64)> = connection
        .exec_first(
            "SELECT d_tax, d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ? FOR UPDATE",
            (w, d),
        )
        .await?;
    let (_, o) = district.context("no district")?;
    connection
        .exec_drop(
            "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ?",
            (w, d),
        )
        .await?;
    let customer: Option<(String, String, String, String)> = connection
        .exec_first(
            "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse \
             WHERE w_id = ? AND c_w_id = w_id AND c_d_id = ? AND c_id = ?",
            (w, d, c),
        )
        .await?;
    customer.context("no customer")?;
    let local = i32::from(lines.iter().all(|line| line.supplier == w));
    connection
        .exec_drop(
            "INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) \
             VALUES (?, ?, ?, ?, NOW(), ?, ?)",
            (o, d, w, c, lines.len(), local),
        )
        .await?;
    connection
        .exec_drop("INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES (?, ?, ?)", (o, d, w))
        .await?;
    for (number, line) in (1..).zip(lines) {
        if !order_line(connection, (w, d, o), number, *line).await? {
            connection.query_drop("ROLLBACK").await?;
            return Ok(End::RolledBack);
        }
    }
    connection.query_drop("COMMIT").await?;
    Ok(End::Committed)
}

/// One line of an order; false where there is no such item.
async fn order_line(
    connection: &mut Conn,
    (w, d, o): (u64, u64, u64),
    number: u64,
    line: Line,
) -> Result<bool> {
    let item: Option<(String, String, String)> = connection
        .exec_first("SELECT i_price, i_name, i_data FROM item WHERE i_id = ?", (line.item,))
        .await?;
    let Some((price, _, _)) = item else { return Ok(false) };
    let stock: Option<(i64, String, String)> =
        connection.exec_first(STOCK[(d - 1) as usize], (line.supplier, line.item)).await?;
    let (quantity, info, _) = stock.context("no stock")?;
    let left = quantity - line.quantity as i64;
    let left = if left < 10 { left + 91 } else { left };
    connection
        .exec_drop(
            "UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, \
             s_remote_cnt = s_remote_cnt + ? WHERE s_w_id = ? AND s_i_id = ?",
            (left, line.quantity, i32::from(line.supplier != w), line.supplier, line.item),
        )
        .await?;
    let price = cents(&price).context("a price is no sum of money")?;
    let amount = money(price * line.quantity as i64);
    connection
        .exec_drop(
            "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, \
             ol_quantity, ol_amount, ol_dist_info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (o, d, w, number, line.item, line.supplier, line.quantity, amount, info),
        )
        .await?;
    Ok(true)
}

/// The stock of an item, by district.
const STOCK: [&str; DISTRICTS as usize] = [
    "SELECT s_quantity, s_dist_01, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_02, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_03, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_04, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_05, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_06, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_07, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_08, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_09, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
    "SELECT s_quantity, s_dist_10, s_data FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE",
];

/// The number of a customer; of those with one last name, the one in the middle by first name.
async fn found(connection: &mut Conn, (w, d): (u64, u64), who: Who) -> Result<u64> {
    let name = match who {
        Who::Number(c) => return Ok(c),
        Who::Name(name) => last_name(name),
    };
    let these: Vec<u64> = connection
        .exec(
            "SELECT c_id FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first",
            (w, d, &name),
        )
        .await?;
    let middle = these.len().div_ceil(2).saturating_sub(1);
    these.get(middle).copied().with_context(|| format!("no customer is called {name}"))
}

async fn payment(
    connection: &mut Conn,
    (w, d): (u64, u64),
    ((c_w, c_d), who): ((u64, u64), Who),
    cents: i64,
) -> Result<()> {
    let amount = money(cents);
    let pay = "UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ?";
    connection.exec_drop(pay, (&amount, w)).await?;
    let warehouse: Option<(String, String, String, String, String, String)> = connection
        .exec_first(
            "SELECT w_name, w_street_1, w_street_2, w_city, w_state, w_zip FROM warehouse WHERE w_id = ?",
            (w,),
        )
        .await?;
    let pay = "UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?";
    connection.exec_drop(pay, (&amount, w, d)).await?;
    let district: Option<(String, String, String, String, String, String)> = connection
        .exec_first(
            "SELECT d_name, d_street_1, d_street_2, d_city, d_state, d_zip FROM district \
             WHERE d_w_id = ? AND d_id = ?",
            (w, d),
        )
        .await?;
    let c = found(connection, (c_w, c_d), who).await?;
    let customer: Option<(String, String, String, String, String, String)> = connection
        .exec_first(
            "SELECT c_first, c_last, c_credit, c_credit_lim, c_discount, c_balance FROM customer \
             WHERE c_w_id = ? AND c_d_id = ? AND c_id = ? FOR UPDATE",
            (c_w, c_d, c),
        )
        .await?;
    let credit = customer.context("no customer")?.2;
    connection
        .exec_drop(
            "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, \
             c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
            (&amount, &amount, c_w, c_d, c),
        )
        .await?;
    if credit == "BC" {
        let note = format!("{c} {c_d} {c_w} {d} {w} {amount}|");
        connection
            .exec_drop(
                "UPDATE customer SET c_data = LEFT(CONCAT(?, c_data), 500) \
                 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
                (note, c_w, c_d, c),
            )
            .await?;
    }
    let names = (warehouse.context("no warehouse")?.0, district.context("no district")?.0);
    connection
        .exec_drop(
            "INSERT INTO history (h_c_d_id, h_c_w_id, h_c_id, h_d_id, h_w_id, h_date, h_amount, h_data) \
             VALUES (?, ?, ?, ?, ?, NOW(), ?, ?)",
            (c_d, c_w, c, d, w, amount, format!("{}    {}", names.0, names.1)),
        )
        .await?;
    Ok(())
}

async fn order_status(connection: &mut Conn, (w, d): (u64, u64), who: Who) -> Result<()> {
    let c = found(connection, (w, d), who).await?;
    let customer: Option<(String, String, String, String)> = connection
        .exec_first(
            "SELECT c_balance, c_first, c_middle, c_last FROM customer \
             WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
            (w, d, c),
        )
        .await?;
    customer.context("no customer")?;
    let order: Option<(u64, String, Option<u64>)> = connection
        .exec_first(
            "SELECT o_id, CAST(o_entry_d AS CHAR), o_carrier_id FROM orders \
             WHERE o_w_id = ? AND o_d_id = ? AND o_c_id = ? ORDER BY o_id DESC LIMIT 1",
            (w, d, c),
        )
        .await?;
    let (o, _, _) = order.context("a customer without orders")?;
    let lines: Vec<(u64, u64, u64, String, Option<String>)> = connection
        .exec(
            "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, CAST(ol_delivery_d AS CHAR) \
             FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
            (w, d, o),
        )
        .await?;
    anyhow::ensure!((5..=15).contains(&lines.len()), "order {o} has {} lines", lines.len());
    Ok(())
}

/// Delivers the oldest new order of a district; none is no error (2.7.4.2).
async fn deliver(connection: &mut Conn, (w, d): (u64, u64), carrier: u64) -> Result<()> {
    let oldest: Option<u64> = connection
        .exec_first(
            "SELECT no_o_id FROM new_order WHERE no_w_id = ? AND no_d_id = ? \
             ORDER BY no_o_id LIMIT 1 FOR UPDATE",
            (w, d),
        )
        .await?;
    let Some(o) = oldest else { return Ok(()) };
    connection
        .exec_drop(
            "DELETE FROM new_order WHERE no_w_id = ? AND no_d_id = ? AND no_o_id = ?",
            (w, d, o),
        )
        .await?;
    // Locking reads: the snapshot may be older than this order.
    let customer: Option<u64> = connection
        .exec_first(
            "SELECT o_c_id FROM orders WHERE o_w_id = ? AND o_d_id = ? AND o_id = ? FOR UPDATE",
            (w, d, o),
        )
        .await?;
    let c = customer.context("a new order that is no order")?;
    connection
        .exec_drop(
            "UPDATE orders SET o_carrier_id = ? WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?",
            (carrier, w, d, o),
        )
        .await?;
    connection
        .exec_drop(
            "UPDATE order_line SET ol_delivery_d = NOW() WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
            (w, d, o),
        )
        .await?;
    let sum: Option<Option<String>> = connection
        .exec_first(
            "SELECT SUM(ol_amount) FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
            (w, d, o),
        )
        .await?;
    let sum = sum.flatten().context("an order without lines")?;
    connection
        .exec_drop(
            "UPDATE customer SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 \
             WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
            (sum, w, d, c),
        )
        .await?;
    Ok(())
}

async fn stock_level(connection: &mut Conn, (w, d): (u64, u64), threshold: u64) -> Result<()> {
    let next: Option<u64> = connection
        .exec_first("SELECT d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ?", (w, d))
        .await?;
    let next = next.context("no district")?;
    let low: Option<u64> = connection
        .exec_first(
            "SELECT COUNT(DISTINCT s_i_id) FROM order_line, stock WHERE ol_w_id = ? AND ol_d_id = ? \
             AND ol_o_id < ? AND ol_o_id >= ? AND s_w_id = ? AND s_i_id = ol_i_id AND s_quantity < ?",
            (w, d, next, next.saturating_sub(20), w, threshold),
        )
        .await?;
    low.map(|_| ()).context("no count")
}
