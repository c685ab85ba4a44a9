//! TPC-C's tables, and how many rows they have. (Clauses 1.3 and 4.3.3.)
//!
//! No foreign keys, on either server: InnoDB's locks on parents are not what is compared.

/// How much is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub warehouses: u64,
    /// 3,000 of each district, times the fraction.
    pub customers: u64,
    /// 100,000, times the fraction.
    pub items: u64,
}

/// Of each warehouse.
pub const DISTRICTS: u64 = 10;

impl Scale {
    /// The specification's counts times `fraction`, with room for every rule.
    pub fn new(warehouses: u64, fraction: f64) -> Self {
        let part = |full: f64, least: u64| ((full * fraction) as u64).clamp(least, full as u64);
        Self {
            warehouses: warehouses.max(1),
            customers: part(3000.0, 30),
            items: part(100_000.0, 100),
        }
    }

    /// Last names in use.
    pub fn names(&self) -> u64 {
        self.customers.min(1000)
    }

    /// Orders of each district that were delivered before the run; later ones are new.
    pub fn delivered(&self) -> u64 {
        self.customers * 7 / 10
    }
}

/// Statements that make the tables.
pub const TABLES: &[&str] = &[
    "CREATE TABLE warehouse (w_id INT NOT NULL PRIMARY KEY, w_name VARCHAR(10), w_street_1 VARCHAR(20), w_street_2 VARCHAR(20), \
     w_city VARCHAR(20), w_state CHAR(2), w_zip CHAR(9), w_tax DECIMAL(4,4), w_ytd DECIMAL(12,2))",
    "CREATE TABLE district (d_id INT NOT NULL, d_w_id INT NOT NULL, d_name VARCHAR(10), d_street_1 VARCHAR(20), \
     d_street_2 VARCHAR(20), d_city VARCHAR(20), d_state CHAR(2), d_zip CHAR(9), d_tax DECIMAL(4,4), d_ytd DECIMAL(12,2), \
     d_next_o_id INT, PRIMARY KEY (d_w_id, d_id))",
    "CREATE TABLE customer (c_id INT NOT NULL, c_d_id INT NOT NULL, c_w_id INT NOT NULL, c_first VARCHAR(16), c_middle CHAR(2), \
     c_last VARCHAR(16), c_street_1 VARCHAR(20), c_street_2 VARCHAR(20), c_city VARCHAR(20), c_state CHAR(2), c_zip CHAR(9), \
     c_phone CHAR(16), c_since DATETIME, c_credit CHAR(2), c_credit_lim DECIMAL(12,2), c_discount DECIMAL(4,4), \
     c_balance DECIMAL(12,2), c_ytd_payment DECIMAL(12,2), c_payment_cnt INT, c_delivery_cnt INT, c_data VARCHAR(500), \
     PRIMARY KEY (c_w_id, c_d_id, c_id), KEY by_name (c_w_id, c_d_id, c_last, c_first))",
    "CREATE TABLE history (h_c_id INT, h_c_d_id INT, h_c_w_id INT, h_d_id INT, h_w_id INT, h_date DATETIME, \
     h_amount DECIMAL(6,2), h_data VARCHAR(24))",
    "CREATE TABLE new_order (no_o_id INT NOT NULL, no_d_id INT NOT NULL, no_w_id INT NOT NULL, \
     PRIMARY KEY (no_w_id, no_d_id, no_o_id))",
    "CREATE TABLE orders (o_id INT NOT NULL, o_d_id INT NOT NULL, o_w_id INT NOT NULL, o_c_id INT, o_entry_d DATETIME, \
     o_carrier_id INT, o_ol_cnt INT, o_all_local INT, PRIMARY KEY (o_w_id, o_d_id, o_id), \
     KEY by_customer (o_w_id, o_d_id, o_c_id, o_id))",
    "CREATE TABLE order_line (ol_o_id INT NOT NULL, ol_d_id INT NOT NULL, ol_w_id INT NOT NULL, ol_number INT NOT NULL, \
     ol_i_id INT, ol_supply_w_id INT, ol_delivery_d DATETIME, ol_quantity INT, ol_amount DECIMAL(6,2), ol_dist_info CHAR(24), \
     PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))",
    "CREATE TABLE item (i_id INT NOT NULL PRIMARY KEY, i_im_id INT, i_name VARCHAR(24), i_price DECIMAL(5,2), i_data VARCHAR(50))",
    "CREATE TABLE stock (s_i_id INT NOT NULL, s_w_id INT NOT NULL, s_quantity INT, s_dist_01 CHAR(24), s_dist_02 CHAR(24), \
     s_dist_03 CHAR(24), s_dist_04 CHAR(24), s_dist_05 CHAR(24), s_dist_06 CHAR(24), s_dist_07 CHAR(24), s_dist_08 CHAR(24), \
     s_dist_09 CHAR(24), s_dist_10 CHAR(24), s_ytd INT, s_order_cnt INT, s_remote_cnt INT, s_data VARCHAR(50), \
     PRIMARY KEY (s_w_id, s_i_id))",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_warehouse_has_the_specifications_counts_and_a_small_one_has_some_of_all() {
        let whole = Scale::new(1, 1.0);
        assert_eq!((whole.customers, whole.items, whole.delivered()), (3000, 100_000, 2100));
        let small = Scale::new(0, 0.0);
        assert_eq!((small.warehouses, small.customers, small.items), (1, 30, 100));
        assert!(small.delivered() > 0 && small.delivered() < small.customers);
        assert_eq!(Scale::new(1, 7.0).items, 100_000);
    }
}
