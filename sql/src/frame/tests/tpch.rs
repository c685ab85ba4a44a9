//! The queries of TPC-H over tables of a few rows.

use super::world::{Ready, World};

fn world() -> Ready {
    let mut world = World::default();
    world.table(
        "region",
        "r_regionkey int not;r_name char;r_comment varchar",
        "1|'EUROPE'|''\n2|'ASIA'|''\n3|'AMERICA'|''\n4|'MIDDLE EAST'|''",
    );
    world.table(
        "nation",
        "n_nationkey int not;n_name char;n_regionkey int;n_comment varchar",
        "1|'FRANCE'|1|''\n2|'GERMANY'|1|''\n3|'BRAZIL'|3|''\n4|'CHINA'|2|''\n5|'CANADA'|3|''\n6|'SAUDI ARABIA'|4|''",
    );
    world.table(
        "supplier",
        "s_suppkey int not;s_name char;s_address varchar;s_nationkey int;s_phone char;s_acctbal decimal(15,2);s_comment varchar",
        "1|'Supplier#1'|'a'|1|'11-1'|100.00|''
         2|'Supplier#2'|'b'|2|'12-1'|200.00|'Customer bad Complaints'
         3|'Supplier#3'|'c'|5|'15-1'|300.00|''
         4|'Supplier#4'|'d'|6|'16-1'|400.00|''
         5|'Supplier#5'|'e'|4|'14-1'|500.00|''",
    );
    world.table(
        "customer",
        "c_custkey int not;c_name varchar;c_address varchar;c_nationkey int;c_phone char;c_acctbal decimal(15,2);c_mktsegment char;c_comment varchar",
        "1|'Customer#1'|'a'|1|'13-100'|700.00|'BUILDING'|''
         2|'Customer#2'|'b'|2|'31-200'|50.00|'AUTOMOBILE'|''
         3|'Customer#3'|'c'|4|'23-300'|900.00|'BUILDING'|''
         4|'Customer#4'|'d'|3|'29-400'|-10.00|'BUILDING'|''",
    );
    world.table(
        "part",
        "p_partkey int not;p_name varchar;p_mfgr char;p_brand char;p_type varchar;p_size int;p_container char;p_retailprice decimal(15,2);p_comment varchar",
        "1|'forest green'|'M#1'|'Brand#12'|'STANDARD BRASS'|15|'SM CASE'|900.00|''
         2|'green lace'|'M#2'|'Brand#23'|'PROMO STEEL'|3|'MED BOX'|901.00|''
         3|'red lace'|'M#3'|'Brand#34'|'ECONOMY ANODIZED STEEL'|49|'LG CASE'|902.00|''",
    );
    world.table(
        "partsupp",
        "ps_partkey int not;ps_suppkey int;ps_availqty int;ps_supplycost decimal(15,2);ps_comment varchar",
        "1|1|100|10.00|''
         1|2|200|9.00|''
         2|2|300|20.00|''
         2|5|10|21.00|''
         3|3|50|30.00|''",
    );
    world.table(
        "orders",
        "o_orderkey int not;o_custkey int;o_orderstatus char;o_totalprice decimal(15,2);o_orderdate date;o_orderpriority char;o_clerk char;o_shippriority int;o_comment varchar",
        "1|1|'F'|1000.00|'1995-01-10'|'1-URGENT'|'c'|0|''
         2|3|'O'|2000.00|'1995-03-01'|'2-HIGH'|'c'|0|'special many requests'
         3|1|'F'|3000.00|'1993-08-01'|'3-MEDIUM'|'c'|0|''
         4|2|'F'|4000.00|'1994-05-05'|'5-LOW'|'c'|0|''",
    );
    world.table(
        "lineitem",
        "l_orderkey int not;l_partkey int;l_suppkey int;l_linenumber int;l_quantity decimal(15,2);l_extendedprice decimal(15,2);l_discount decimal(15,2);l_tax decimal(15,2);l_returnflag char;l_linestatus char;l_shipdate date;l_commitdate date;l_receiptdate date;l_shipinstruct char;l_shipmode char;l_comment varchar",
        "1|1|1|1|5.00|1000.00|0.05|0.02|'R'|'F'|'1995-03-20'|'1995-02-01'|'1995-03-25'|'DELIVER IN PERSON'|'AIR'|''
         1|2|2|2|2.00|500.00|0.06|0.00|'N'|'O'|'1995-09-05'|'1995-02-01'|'1995-09-10'|'NONE'|'MAIL'|''
         2|2|5|1|10.00|3000.00|0.10|0.05|'N'|'O'|'1995-03-20'|'1995-04-01'|'1995-04-10'|'NONE'|'SHIP'|''
         3|3|3|1|301.00|9000.00|0.04|0.08|'R'|'F'|'1993-10-01'|'1993-09-01'|'1993-11-01'|'NONE'|'RAIL'|''
         4|1|2|1|20.00|2000.00|0.06|0.01|'A'|'F'|'1994-06-01'|'1994-06-10'|'1994-06-20'|'NONE'|'MAIL'|''
         4|1|1|2|1.00|100.00|0.00|0.00|'A'|'F'|'1996-02-01'|'1996-02-01'|'1996-01-20'|'NONE'|'FOB'|''",
    );
    world.done()
}

#[test]
fn the_22_queries_run() {
    let world = world();
    let cases: &[(&str, &str)] = &[
        (
            "select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty, sum(l_extendedprice) as sum_base_price, sum(l_extendedprice * (1 - l_discount)) as sum_disc_price, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge, avg(l_quantity) as avg_qty, avg(l_extendedprice) as avg_price, avg(l_discount) as avg_disc, count(*) as count_order from lineitem where l_shipdate <= date '1998-12-01' - interval '90' day group by l_returnflag, l_linestatus order by l_returnflag, l_linestatus",
            "A,F,21.00,2100.00,1980.0000,1998.800000,10.500000,1050.000000,0.030000,2|N,O,12.00,3500.00,3170.0000,3305.000000,6.000000,1750.000000,0.080000,2|R,F,306.00,10000.00,9590.0000,10300.200000,153.000000,5000.000000,0.045000,2",
        ),
        (
            "select s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment from part, supplier, partsupp, nation, region where p_partkey = ps_partkey and s_suppkey = ps_suppkey and p_size = 15 and p_type like '%BRASS' and s_nationkey = n_nationkey and n_regionkey = r_regionkey and r_name = 'EUROPE' and ps_supplycost = (select min(ps_supplycost) from partsupp, supplier, nation, region where p_partkey = ps_partkey and s_suppkey = ps_suppkey and s_nationkey = n_nationkey and n_regionkey = r_regionkey and r_name = 'EUROPE') order by s_acctbal desc, n_name, s_name, p_partkey limit 100",
            "200.00,Supplier#2,GERMANY,1,M#1,b,12-1,Customer bad Complaints",
        ),
        (
            "select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate, o_shippriority from customer, orders, lineitem where c_mktsegment = 'BUILDING' and c_custkey = o_custkey and l_orderkey = o_orderkey and o_orderdate < date '1995-03-15' and l_shipdate > date '1995-03-15' group by l_orderkey, o_orderdate, o_shippriority order by revenue desc, o_orderdate limit 10",
            "2,2700.0000,1995-03-01,0|1,1420.0000,1995-01-10,0",
        ),
        (
            "select o_orderpriority, count(*) as order_count from orders where o_orderdate >= date '1993-07-01' and o_orderdate < date '1993-07-01' + interval '3' month and exists (select * from lineitem where l_orderkey = o_orderkey and l_commitdate < l_receiptdate) group by o_orderpriority order by o_orderpriority",
            "3-MEDIUM,1",
        ),
        (
            "select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue from customer, orders, lineitem, supplier, nation, region where c_custkey = o_custkey and l_orderkey = o_orderkey and l_suppkey = s_suppkey and c_nationkey = s_nationkey and s_nationkey = n_nationkey and n_regionkey = r_regionkey and r_name = 'EUROPE' and o_orderdate >= date '1994-01-01' and o_orderdate < date '1994-01-01' + interval '2' year group by n_name order by revenue desc",
            "GERMANY,1880.0000|FRANCE,950.0000",
        ),
        (
            "select sum(l_extendedprice * l_discount) as revenue from lineitem where l_shipdate >= date '1994-01-01' and l_shipdate < date '1994-01-01' + interval '1' year and l_discount between .06 - 0.01 and .06 + 0.01 and l_quantity < 24",
            "120.0000",
        ),
        (
            "select supp_nation, cust_nation, l_year, sum(volume) as revenue from (select n1.n_name as supp_nation, n2.n_name as cust_nation, extract(year from l_shipdate) as l_year, l_extendedprice * (1 - l_discount) as volume from supplier, lineitem, orders, customer, nation n1, nation n2 where s_suppkey = l_suppkey and o_orderkey = l_orderkey and c_custkey = o_custkey and s_nationkey = n1.n_nationkey and c_nationkey = n2.n_nationkey and ((n1.n_name = 'FRANCE' and n2.n_name = 'GERMANY') or (n1.n_name = 'GERMANY' and n2.n_name = 'FRANCE')) and l_shipdate between date '1995-01-01' and date '1996-12-31') as shipping group by supp_nation, cust_nation, l_year order by supp_nation, cust_nation, l_year",
            "FRANCE,GERMANY,1996,100.0000|GERMANY,FRANCE,1995,470.0000",
        ),
        (
            "select o_year, sum(case when nation = 'CANADA' then volume else 0 end) / sum(volume) as mkt_share from (select extract(year from o_orderdate) as o_year, l_extendedprice * (1 - l_discount) as volume, n2.n_name as nation from part, supplier, lineitem, orders, customer, nation n1, nation n2, region where p_partkey = l_partkey and s_suppkey = l_suppkey and l_orderkey = o_orderkey and o_custkey = c_custkey and c_nationkey = n1.n_nationkey and n1.n_regionkey = r_regionkey and r_name = 'EUROPE' and s_nationkey = n2.n_nationkey and o_orderdate between date '1993-01-01' and date '1996-12-31' and p_type = 'ECONOMY ANODIZED STEEL') as all_nations group by o_year order by o_year",
            "1993,1.00000000",
        ),
        (
            "select nation, o_year, sum(amount) as sum_profit from (select n_name as nation, extract(year from o_orderdate) as o_year, l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity as amount from part, supplier, lineitem, partsupp, orders, nation where s_suppkey = l_suppkey and ps_suppkey = l_suppkey and ps_partkey = l_partkey and p_partkey = l_partkey and o_orderkey = l_orderkey and s_nationkey = n_nationkey and p_name like '%green%') as profit group by nation, o_year order by nation, o_year desc",
            "CHINA,1995,2490.0000|FRANCE,1995,900.0000|FRANCE,1994,90.0000|GERMANY,1995,430.0000|GERMANY,1994,1700.0000",
        ),
        (
            "select c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) as revenue, c_acctbal, n_name, c_address, c_phone, c_comment from customer, orders, lineitem, nation where c_custkey = o_custkey and l_orderkey = o_orderkey and o_orderdate >= date '1993-07-01' and o_orderdate < date '1993-07-01' + interval '3' month and l_returnflag = 'R' and c_nationkey = n_nationkey group by c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment order by revenue desc limit 20",
            "1,Customer#1,8640.0000,700.00,FRANCE,a,13-100,",
        ),
        (
            "select ps_partkey, sum(ps_supplycost * ps_availqty) as value from partsupp, supplier, nation where ps_suppkey = s_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY' group by ps_partkey having sum(ps_supplycost * ps_availqty) > (select sum(ps_supplycost * ps_availqty) * 0.5 from partsupp, supplier, nation where ps_suppkey = s_suppkey and s_nationkey = n_nationkey and n_name = 'GERMANY') order by value desc",
            "2,6000.00",
        ),
        (
            "select l_shipmode, sum(case when o_orderpriority = '1-URGENT' or o_orderpriority = '2-HIGH' then 1 else 0 end) as high_line_count, sum(case when o_orderpriority <> '1-URGENT' and o_orderpriority <> '2-HIGH' then 1 else 0 end) as low_line_count from orders, lineitem where o_orderkey = l_orderkey and l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate and l_receiptdate >= date '1994-01-01' and l_receiptdate < date '1994-01-01' + interval '2' year group by l_shipmode order by l_shipmode",
            "MAIL,0,1|SHIP,1,0",
        ),
        (
            "select c_count, count(*) as custdist from (select c_custkey, count(o_orderkey) from customer left outer join orders on c_custkey = o_custkey and o_comment not like '%special%requests%' group by c_custkey) as c_orders (c_custkey, c_count) group by c_count order by custdist desc, c_count desc",
            "0,2|2,1|1,1",
        ),
        (
            "select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end) / sum(l_extendedprice * (1 - l_discount)) as promo_revenue from lineitem, part where l_partkey = p_partkey and l_shipdate >= date '1995-09-01' and l_shipdate < date '1995-09-01' + interval '1' month",
            "100.0000000000",
        ),
        (
            "with revenue as (select l_suppkey as supplier_no, sum(l_extendedprice * (1 - l_discount)) as total_revenue from lineitem where l_shipdate >= date '1995-01-01' and l_shipdate < date '1995-01-01' + interval '3' month group by l_suppkey) select s_suppkey, s_name, s_address, s_phone, total_revenue from supplier, revenue where s_suppkey = supplier_no and total_revenue = (select max(total_revenue) from revenue) order by s_suppkey",
            "5,Supplier#5,e,14-1,2700.0000",
        ),
        (
            "select p_brand, p_type, p_size, count(distinct ps_suppkey) as supplier_cnt from partsupp, part where p_partkey = ps_partkey and p_brand <> 'Brand#45' and p_type not like 'MEDIUM POLISHED%' and p_size in (49, 14, 23, 45, 19, 3, 36, 9) and ps_suppkey not in (select s_suppkey from supplier where s_comment like '%Customer%Complaints%') group by p_brand, p_type, p_size order by supplier_cnt desc, p_brand, p_type, p_size",
            "Brand#23,PROMO STEEL,3,1|Brand#34,ECONOMY ANODIZED STEEL,49,1",
        ),
        (
            "select sum(l_extendedprice) / 7.0 as avg_yearly from lineitem, part where p_partkey = l_partkey and p_brand = 'Brand#23' and p_container = 'MED BOX' and l_quantity < (select 0.5 * avg(l_quantity) from lineitem where l_partkey = p_partkey)",
            "71.428571",
        ),
        (
            "select c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) from customer, orders, lineitem where o_orderkey in (select l_orderkey from lineitem group by l_orderkey having sum(l_quantity) > 300) and c_custkey = o_custkey and o_orderkey = l_orderkey group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice order by o_totalprice desc, o_orderdate limit 100",
            "Customer#1,1,3,1993-08-01,3000.00,301.00",
        ),
        (
            "select sum(l_extendedprice * (1 - l_discount)) as revenue from lineitem, part where (p_partkey = l_partkey and p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG') and l_quantity >= 1 and l_quantity <= 1 + 10 and p_size between 1 and 15 and l_shipmode in ('AIR', 'AIR REG') and l_shipinstruct = 'DELIVER IN PERSON') or (p_partkey = l_partkey and p_brand = 'Brand#23' and p_container in ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK') and l_quantity >= 10 and l_quantity <= 10 + 10 and p_size between 1 and 10 and l_shipmode in ('AIR', 'AIR REG') and l_shipinstruct = 'DELIVER IN PERSON')",
            "950.0000",
        ),
        (
            "select s_name, s_address from supplier, nation where s_suppkey in (select ps_suppkey from partsupp where ps_partkey in (select p_partkey from part where p_name like 'forest%') and ps_availqty > (select 0.5 * sum(l_quantity) from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey and l_shipdate >= date '1994-01-01' and l_shipdate < date '1994-01-01' + interval '2' year)) and s_nationkey = n_nationkey and n_name = 'GERMANY' order by s_name",
            "Supplier#2,b",
        ),
        (
            "select s_name, count(*) as numwait from supplier, lineitem l1, orders, nation where s_suppkey = l1.l_suppkey and o_orderkey = l1.l_orderkey and o_orderstatus = 'F' and l1.l_receiptdate > l1.l_commitdate and exists (select * from lineitem l2 where l2.l_orderkey = l1.l_orderkey and l2.l_suppkey <> l1.l_suppkey) and not exists (select * from lineitem l3 where l3.l_orderkey = l1.l_orderkey and l3.l_suppkey <> l1.l_suppkey and l3.l_receiptdate > l3.l_commitdate) and s_nationkey = n_nationkey and n_name = 'GERMANY' group by s_name order by numwait desc, s_name limit 100",
            "Supplier#2,1",
        ),
        (
            "select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal from (select substring(c_phone from 1 for 2) as cntrycode, c_acctbal from customer where substring(c_phone from 1 for 2) in ('13', '31', '23', '29', '30', '18', '17') and c_acctbal > (select avg(c_acctbal) from customer where c_acctbal > 0.00 and substring(c_phone from 1 for 2) in ('13', '31', '23', '29', '30', '18', '17')) and not exists (select * from orders where o_custkey = c_custkey)) as custsale group by cntrycode order by cntrycode",
            "",
        ),
    ];
    assert_eq!(cases.len(), 22);
    world.check_all(cases);
}
