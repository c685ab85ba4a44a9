//! Joins, groups, subqueries, windows, sets, recursion.

use holdfast_value::Context;

use super::world::{Ready, World};

fn world() -> Ready {
    let mut world = World::default();
    world.table(
        "emp",
        "id int not;name varchar;dept int;pay decimal(10,2);hired date;boss int",
        "1|'Ada'|10|1000.00|'2020-01-15'|NULL
         2|'bob'|10|800.50|'2021-03-01'|1
         3|'Cyd'|20|800.50|'2021-03-01'|1
         4|'dan'|20|NULL|'2022-07-04'|3
         5|'Eve'|NULL|500.25|NULL|3",
    );
    world.table(
        "dept",
        "id int not;title varchar;city varchar bin",
        "10|'Works'|'Bern'
         20|'Sales'|'Basel'
         30|'Labs'|NULL",
    );
    world.table("n", "a int not;b int", "1|1\n2|NULL\n3|3");
    world.table("m", "a int not;b int", "1|1\n2|2");
    world.table("z", "a int not;b int", "");
    world.table(
        "words",
        "id int not;ci varchar;bin varchar bin;size enum",
        "1|'abc'|'abc'|'large'
         2|'ABC'|'ABC'|'small'
         3|'abc '|'abc '|'medium'
         4|'\u{e4}bc'|'b'|NULL
         5|NULL|NULL|'small'",
    );
    world.done()
}

#[test]
fn projections_filters_orders_and_limits_are_mysqls() {
    world().check_all(&[
        ("select 1", "1"),
        ("select 1 + 1, 'a', null", "2,a,NULL"),
        ("select id from emp where dept = 10", "1|2"),
        ("select id from emp where dept <> 10", "3|4"),
        ("select id from emp where not dept = 10", "3|4"),
        ("select id from emp where dept is null", "5"),
        ("select id from emp where dept is not null and pay is null", "4"),
        ("select id from emp where dept <=> null", "5"),
        ("select id from emp where pay = 800.5", "2|3"),
        ("select id from emp where pay > 800", "1|2|3"),
        ("select id from emp where pay between 500 and 900", "2|3|5"),
        ("select id from emp where pay", "1|2|3|5"),
        ("select id from emp where id in (1, 3, 9)", "1|3"),
        ("select id from emp where id not in (1, 3, 9)", "2|4|5"),
        ("select id from emp where dept in (10, null)", "1|2"),
        ("select id from emp where dept not in (10, null)", ""),
        ("select id from emp order by pay", "4|5|2|3|1"),
        ("select id from emp order by pay desc, id desc", "1|3|2|5|4"),
        ("select id from emp order by dept, id", "5|1|2|3|4"),
        ("select id from emp order by id limit 2", "1|2"),
        ("select id from emp order by id limit 2 offset 1", "2|3"),
        ("select id from emp order by id limit 3, 5", "4|5"),
        ("select id from emp order by id limit 0", ""),
        ("select distinct dept from emp", "10|20|NULL"),
        ("select distinct pay from emp order by pay desc", "1000.00|800.50|500.25|NULL"),
        ("select id * 2 as twice from emp where id < 3 order by twice desc", "4|2"),
        ("select * from n", "1,1|2,NULL|3,3"),
        ("select n.*, a + 1 from n where a = 1", "1,1,2"),
        ("select id, id from emp where id = 1", "1,1"),
        ("select id from emp where hired = '2021-03-01'", "2|3"),
        ("select id from emp where hired >= '2021-03-01' and hired < '2022-01-01'", "2|3"),
        ("select id from emp where year(hired) = 2021", "2|3"),
        ("select id from emp where hired + interval 1 year > '2022-01-01'", "2|3|4"),
        ("select 1 from dual where 1 = 0", ""),
        ("select id from emp where 1 = 1 and id = 1 or id = 2", "1|2"),
        ("select id from emp where (id, dept) = (1, 10)", "1"),
        ("select id from emp where (id, dept) in ((1, 10), (3, 10))", "1"),
        ("select id > 2, not id > 2 from emp where id in (2, 3)", "0,1|1,0"),
        ("select case when pay > 800 then 'rich' when pay is null then 'none' else 'poor' end from emp order by id", "rich|rich|rich|none|poor"),
        ("select coalesce(pay, dept, 1) from emp where id in (4, 5)", "20.00|500.25"),
        ("select ifnull(dept, 'none') from emp where id > 3", "20|none"),
        ("select if(pay > 800, 1, 0) from emp order by id", "1|1|1|0|0"),
        ("select nullif(dept, 10) from emp order by id", "NULL|NULL|20|20|NULL"),
    ]);
}

#[test]
fn joins_keep_what_they_should() {
    world().check_all(&[
        ("select emp.id, title from emp join dept on dept = dept.id", "1,Works|2,Works|3,Sales|4,Sales"),
        ("select emp.id, title from emp, dept where dept = dept.id and pay > 900", "1,Works"),
        ("select emp.id, title from emp left join dept on dept = dept.id", "1,Works|2,Works|3,Sales|4,Sales|5,NULL"),
        ("select emp.id, title from emp right join dept on dept = dept.id", "1,Works|2,Works|3,Sales|4,Sales|NULL,Labs"),
        ("select emp.id, title from emp left join dept on dept = dept.id and title = 'Works'", "1,Works|2,Works|3,NULL|4,NULL|5,NULL"),
        ("select emp.id from emp left join dept on dept = dept.id where dept.id is null", "5"),
        ("select count(*) from emp cross join dept", "15"),
        ("select count(*) from emp, dept", "15"),
        ("select e.id, b.name from emp e join emp b on e.boss = b.id", "2,Ada|3,Ada|4,Cyd|5,Cyd"),
        ("select e.id, b.id from emp e join emp b on e.pay < b.pay", "2,1|3,1|5,1|5,2|5,3"),
        ("select n.a, m.b from n join m using (a)", "1,1|2,2"),
        ("select * from n natural join m", "1,1"),
        ("select a, n.b, m.b from n left join m using (a)", "1,1,1|2,NULL,2|3,3,NULL"),
        ("select n.a from n join m on n.b <=> m.b", "1"),
        ("select n.a, m.a from n left join m on 1 = 0", "1,NULL|2,NULL|3,NULL"),
        ("select n.a from n left join z on n.a = z.a", "1|2|3"),
        ("select n.a from n join z on n.a = z.a", ""),
        ("select e.id from emp e join dept d on e.dept = d.id join emp b on e.boss = b.id where d.title = 'Sales'", "3|4"),
        ("select w.id, v.id from words w join words v on w.ci = v.ci where w.id < v.id", "1,2|1,4|2,4"),
        ("select w.id, v.id from words w join words v on w.bin = v.bin where w.id < v.id", "1,3"),
        ("select x.id from (select id, dept from emp where id < 4) x where x.dept = 20", "3"),
        ("select x.c from (select count(*) as c from emp group by dept) x order by x.c", "1|2|2"),
        ("select n.a, m.a from n left join m on n.a = m.a and m.b in (select x.a from m x where x.a < m.b + 1)", "1,1|2,2|3,NULL"),
        ("select n.a, m.a from n left join m on m.b in (select x.a from n x where x.a > m.b - 1 and x.b = 1)", "1,1|2,1|3,1"),
        ("select n.a, m.a from m right join n on exists (select 1 from n x where x.b = m.a)", "1,1|2,1|3,1"),
        ("select n.a, m.a from n left join m on n.a = m.a and not exists (select 1 from m x where x.b = n.a - 1)", "1,1|2,NULL|3,NULL"),
        ("select n.a, m.a from n left join m on n.a = m.a and exists (select 1 from z)", "1,NULL|2,NULL|3,NULL"),
        ("select n.a, m.a from n left join m on exists (select 1 from n x where x.a = n.a and x.b = m.b)", "ERROR 1235 (42000): This version of Holdfast doesn't yet support 'a subquery in the ON of an outer join that names columns of both sides'"),
    ]);
}

#[test]
fn groups_and_aggregates_have_mysqls_values_and_types() {
    world().check_all(&[
        ("select count(*), count(dept), count(distinct dept) from emp", "5,4,2"),
        ("select sum(pay), avg(pay), min(pay), max(pay) from emp", "3101.25,775.312500,500.25,1000.00"),
        ("select sum(id), avg(id) from emp", "15,3.0000"),
        ("select sum(pay) from emp where id > 9", "NULL"),
        ("select count(*), sum(a), avg(a), min(a) from z", "0,NULL,NULL,NULL"),
        ("select dept, count(*) from emp group by dept", "10,2|20,2|NULL,1"),
        ("select dept, sum(pay) from emp group by dept order by dept", "NULL,500.25|10,1800.50|20,800.50"),
        ("select dept, avg(pay) from emp group by dept order by 2 desc", "10,900.250000|20,800.500000|NULL,500.250000"),
        ("select dept from emp group by dept having count(*) > 1", "10|20"),
        ("select dept, count(*) c from emp group by dept having c > 1 order by dept desc", "20,2|10,2"),
        ("select dept from z join emp on z.a = emp.id group by dept", ""),
        ("select dept, count(*) from emp group by dept with rollup", "10,2|20,2|NULL,1|NULL,5"),
        ("select dept, grouping(dept), count(*) from emp group by dept with rollup", "10,0,2|20,0,2|NULL,0,1|NULL,1,5"),
        ("select dept, boss, count(*) from emp where dept = 20 group by dept, boss with rollup", "20,1,1|20,3,1|20,NULL,2|NULL,NULL,2"),
        ("select ci, count(*) from words group by ci having ci is not null order by 2 desc limit 1", "ABC,3"),
        ("select count(distinct ci), count(distinct bin) from words", "2,3"),
        ("select bin, count(*) from words where bin like 'abc%' group by bin", "abc,2"),
        ("select min(ci), max(bin) from words where id < 3", "abc,abc"),
        ("select count(distinct a, b) from n", "2"),
        ("select sum(distinct pay), avg(distinct pay) from emp", "2300.75,766.916667"),
        ("select group_concat(name order by id) from emp", "Ada,bob,Cyd,dan,Eve"),
        ("select group_concat(name order by id desc separator '-') from emp where dept = 10", "bob-Ada"),
        ("select group_concat(distinct dept order by dept desc) from emp", "20,10"),
        ("select group_concat(name) from z, emp", "NULL"),
        ("select dept, group_concat(id order by id) from emp group by dept", "10,1,2|20,3,4|NULL,5"),
        ("select json_arrayagg(id) from n join emp on n.a = emp.id where id = 1", "[1]"),
        ("select json_objectagg(id, name) from emp where id < 3", "{\"1\": \"Ada\", \"2\": \"bob\"}"),
        ("select bit_and(a), bit_or(a), bit_xor(a) from n", "0,3,0"),
        ("select bit_and(a), bit_or(a) from z", "18446744073709551615,0"),
        ("select stddev_pop(a), var_pop(a), var_samp(a) from n", "0.816496580927726,0.6666666666666666,1"),
        ("select min(hired), max(hired) from emp", "2020-01-15,2022-07-04"),
        ("select min(size), max(size) from words", "large,small"),
        ("select size from words where size is not null order by size, id", "small|small|medium|large"),
        ("select year(hired), count(*) from emp group by year(hired)", "2020,1|2021,2|2022,1|NULL,1"),
        ("select dept + 1, count(*) from emp group by dept + 1", "11,2|21,2|NULL,1"),
        ("select sum(pay * 2) / count(*) from emp where pay is not null", "1550.625000"),
        ("select count(*) + 1 from emp", "6"),
        ("select any_value(name) from emp where id = 1", "Ada"),
        ("select id, name from emp group by id having id < 3", "1,Ada|2,bob"),
        ("select max(pay) - min(pay) from emp", "499.75"),
        ("select sum(dept = 10) from emp", "2"),
        ("select avg(a / 2) from n", "1.00000000"),
    ]);
}

#[test]
fn subqueries_are_what_the_standard_says_of_nulls() {
    world().check_all(&[
        ("select (select max(a) from n)", "3"),
        ("select (select a from n where a > 9)", "NULL"),
        ("select (select a from n)", "ERROR 1242 (21000): Subquery returns more than 1 row"),
        ("select id from emp where pay = (select max(pay) from emp)", "1"),
        ("select id, (select title from dept d where d.id = e.dept) from emp e", "1,Works|2,Works|3,Sales|4,Sales|5,NULL"),
        ("select id from emp e where pay = (select max(pay) from emp x where x.dept = e.dept)", "1|3"),
        ("select id, (select count(*) from emp x where x.boss = e.id) from emp e", "1,2|2,0|3,2|4,0|5,0"),
        ("select id, (select sum(pay) from emp x where x.boss = e.id) from emp e", "1,1601.00|2,NULL|3,500.25|4,NULL|5,NULL"),
        ("select id, (select coalesce(sum(pay), 0) from emp x where x.boss = e.id) from emp e", "1,1601.00|2,0.00|3,500.25|4,0.00|5,0.00"),
        ("select id, (select count(*) from emp x where x.pay < e.pay) from emp e", "1,3|2,1|3,1|4,0|5,0"),
        ("select id from dept d where exists (select 1 from emp e where e.dept = d.id)", "10|20"),
        ("select id from dept d where not exists (select 1 from emp e where e.dept = d.id)", "30"),
        ("select id from dept d where not exists (select * from emp e where e.dept = d.id and e.pay > 900)", "20|30"),
        ("select a from n where exists (select 1 from z)", ""),
        ("select a from n where not exists (select 1 from z)", "1|2|3"),
        ("select a from n where exists (select 1 from m)", "1|2|3"),
        ("select id from emp e where exists (select 1 from emp x where x.dept = e.dept and x.id <> e.id and x.pay > e.pay)", "2"),
        ("select a from n where a in (select a from m)", "1|2"),
        ("select a from n where a not in (select a from m)", "3"),
        ("select a from n where b in (select b from m)", "1"),
        ("select a from n where b not in (select b from m)", "3"),
        ("select a from m where b not in (select b from n)", ""),
        ("select a from n where b not in (select b from z)", "1|2|3"),
        ("select a from n where a in (select b from n)", "1|3"),
        ("select a from m where a not in (select b from n where b is not null)", "2"),
        ("select a, a in (select a from m) from n", "1,1|2,1|3,0"),
        ("select a, a in (select b from n) from n", "1,1|2,NULL|3,1"),
        ("select a, a not in (select b from n) from n", "1,0|2,NULL|3,0"),
        ("select a, b in (select a from z) from n", "1,0|2,0|3,0"),
        ("select a, exists (select 1 from m where m.a = n.a) from n", "1,1|2,1|3,0"),
        ("select a, not exists (select 1 from m where m.a = n.a) from n", "1,0|2,0|3,1"),
        ("select a from n where a = 3 or exists (select 1 from m where m.a = n.a and m.b = 2)", "2|3"),
        ("select a from n where a = 1 or a in (select a from m where b = 2)", "1|2"),
        ("select a from n where (a, b) in (select a, b from m)", "1"),
        ("select a from n where (a, b) not in (select a, b from m)", "3"),
        ("select a from n where a > all (select a from m)", "3"),
        ("select a from n where a > any (select a from m)", "2|3"),
        ("select a from n where a = any (select a from m)", "1|2"),
        ("select a from n where a > all (select a from z)", "1|2|3"),
        ("select a from n where (select count(*) from m where m.a <= n.a) = 2", "2|3"),
        ("select id from emp e where (select x.id from emp x where x.dept = e.dept order by x.pay desc limit 1) = e.id", "1|3"),
        ("select d.id, (select group_concat(name order by id) from emp e where e.dept = d.id) from dept d", "10,Ada,bob|20,Cyd,dan|30,NULL"),
        ("select id from emp where dept in (select id from dept where title in (select title from dept where city = 'Bern'))", "1|2"),
        ("select id from dept d where exists (select 1 from emp e where e.dept = d.id and exists (select 1 from emp x where x.boss = e.id and d.id = 20))", "20"),
        ("select dept, count(*) from emp group by dept having count(*) >= (select max(a) - 1 from n)", "10,2|20,2"),
        ("select sum((select count(*) from m where m.a = n.a)) from n", "2"),
        ("select id from emp order by (select title from dept where dept.id = emp.dept), id", "5|3|4|1|2"),
        ("select (select count(*) from (select a from n union select a from m) x)", "3"),
        ("select a, (select m.b from m where m.a = n.a union select 9 where n.a = 3) from n", "1,1|2,2|3,9"),
        ("select a, (select count(distinct m.b) + n.a from m) from n", "1,3|2,4|3,5"),
    ]);
}

#[test]
fn windows_see_their_frames() {
    world().check_all(&[
        ("select id, row_number() over (order by id desc) from emp order by id", "1,5|2,4|3,3|4,2|5,1"),
        ("select id, rank() over (order by pay desc), dense_rank() over (order by pay desc) from emp order by id", "1,1,1|2,2,2|3,2,2|4,5,4|5,4,3"),
        ("select id, sum(a) over () from emp join n on emp.id = n.a order by id", "1,6|2,6|3,6"),
        ("select a, sum(a) over (order by a) from n order by a", "1,1|2,3|3,6"),
        ("select a, avg(a) over (order by a rows between 1 preceding and current row) from n order by a", "1,1.0000|2,1.5000|3,2.5000"),
        ("select a, sum(a) over (order by a rows between current row and unbounded following) from n order by a", "1,6|2,5|3,3"),
        ("select a, sum(a) over (order by a range between 1 preceding and 1 following) from n order by a", "1,3|2,6|3,5"),
        ("select a, lag(a) over (order by a), lead(a, 1, 99) over (order by a) from n order by a", "1,NULL,2|2,1,3|3,2,99"),
        ("select a, first_value(a) over (order by a desc), last_value(a) over (order by a) from n order by a", "1,3,1|2,3,2|3,3,3"),
        ("select a, nth_value(a, 2) over (order by a) from n order by a", "1,NULL|2,2|3,2"),
        ("select a, ntile(2) over (order by a) from n order by a", "1,1|2,1|3,2"),
        ("select a, percent_rank() over (order by a), cume_dist() over (order by a) from m order by a", "1,0,0.5|2,1,1"),
        ("select dept, id, row_number() over (partition by dept order by id) from emp where dept is not null order by id", "10,1,1|10,2,2|20,3,1|20,4,2"),
        ("select id, count(*) over (partition by dept) from emp order by id", "1,2|2,2|3,2|4,2|5,1"),
        ("select dept, sum(count(*)) over (order by dept) from emp group by dept order by dept", "NULL,1|10,3|20,5"),
        ("select id, count(*) over (partition by ci) from words where ci is not null order by id", "1,3|2,3|3,1|4,3"),
        ("select x.id from (select id, row_number() over (partition by dept order by pay desc) as r from emp) x where r = 1", "1|3|5"),
        ("select a, max(a) over w, min(a) over w from n window w as (order by a rows 1 preceding) order by a", "1,1,1|2,2,1|3,3,2"),
    ]);
}

#[test]
fn set_operations_count_rows_as_they_should() {
    world().check_all(&[
        ("select a from n union select a from m", "1|2|3"),
        ("select a from n union all select a from m", "1|1|2|2|3"),
        ("select b from n union select b from m", "1|2|3|NULL"),
        ("select a from n intersect select a from m", "1|2"),
        ("select a from n except select a from m", "3"),
        ("select b from n except select b from m", "3|NULL"),
        ("select b from n intersect select null", "NULL"),
        ("(select 1 union all select 1 union all select 2) except all select 1", "1|2"),
        ("(select 1 union all select 1 union all select 2) intersect all (select 1 union all select 1)", "1|1"),
        ("select 1 union select 1.5", "1.0|1.5"),
        ("select 1 union select 'a'", "1|a"),
        ("select a from n union select a from m order by a desc limit 2", "3|2"),
        ("select ci from words where id in (1, 3) union select ci from words where id = 3", "abc|abc "),
        ("select count(*) from (select ci from words where id < 3 union select 'aBC') x", "1"),
        ("values row(1, 'a'), row(2, 'b')", "1,a|2,b"),
        ("select x.a from (values row(1), row(2)) as x(a) where x.a > 1", "2"),
        ("select a from n union all select a from m union select a from n union all select 3", "1|2|3|3"),
        ("select a from n union select a from m union all select a from m except select 3", "1|2"),
        ("select a from n except select 1 union all select a from m union all select a from m order by a", "1|1|2|2|2|3"),
        ("select 1 as x union all select 2.5 union all select 3", "1.0|2.5|3.0"),
    ]);
    let many =
        |word: &str| (0..300).map(|at| format!("select {}", at % 7)).collect::<Vec<_>>().join(word);
    world()
        .check(&format!("select count(*), sum(x.`0`) from ({}) x", many(" union all ")), "300,897");
    world().check(&format!("select count(*), sum(x.`0`) from ({}) x", many(" union ")), "7,21");
}

#[test]
fn common_tables_are_read_and_recursive_ones_run() {
    world().check_all(&[
        ("with x as (select a from n where a > 1) select * from x", "2|3"),
        ("with x as (select a from n), y as (select a + 1 as b from x) select x.a, y.b from x join y on x.a = y.b", "2,2|3,3"),
        ("with x(q) as (select a from n) select x.q, y.q from x, x y where x.q = y.q", "1,1|2,2|3,3"),
        ("with recursive s as (select 1 as v union all select v + 1 from s where v < 5) select * from s", "1|2|3|4|5"),
        ("with recursive s as (select 1 as v union all select v + 1 from s where v < 500) select count(*), sum(v) from s", "500,125250"),
        ("with recursive up as (select id, boss, 0 as depth from emp where id = 5 union all select e.id, e.boss, depth + 1 from emp e join up on e.id = up.boss) select id, depth from up", "1,2|3,1|5,0"),
        ("with recursive s as (select 1 as v union select v % 3 + 1 from s) select * from s", "1|2|3"),
        ("with recursive s as (select 1 as v union all select v + 1 from s) select * from s", "ERROR 3636 (HY000): Recursive query aborted after 1001 iterations. Try increasing @@cte_max_recursion_depth to a larger value."),
    ]);
}

#[test]
fn texts_compare_under_their_collations() {
    world().check_all(&[
        ("select id from words where ci = 'aBc'", "1|2|4"),
        ("select id from words where bin = 'abc'", "1|3"),
        ("select id from words where bin = 'ABC  '", "2"),
        ("select id from words where ci in ('x', 'ABC')", "1|2|4"),
        ("select id from words where ci like 'AB%'", "1|2|3|4"),
        ("select id from words where ci like '%C'", "1|2|4"),
        ("select id from words where ci like '_bc'", "1|2|4"),
        ("select id from words where bin like 'ab%'", "1|3"),
        ("select id from words where bin like '%c '", "3"),
        ("select id from words where ci not like 'ab%'", ""),
        ("select id from words where ci collate utf8mb4_bin = 'ABC'", "2"),
        ("select id from words order by bin, id", "5|2|1|3|4"),
        ("select id from words order by ci desc, id", "3|1|2|4|5"),
        ("select id from words where bin < 'abd'", "1|2|3"),
        ("select id from words where ci > 'abb' and ci < 'abd'", "1|2|3|4"),
    ]);
}

#[test]
fn columns_of_nothing_but_null_are_columns() {
    world().check_all(&[
        ("select null union all select 1", "1|NULL"),
        ("select x.a from (select null as a) x where x.a is null", "NULL"),
        (
            "select x.a, count(*) from (select null as a union all select null) x group by x.a",
            "NULL,2",
        ),
        ("select distinct x.a from (select null as a union all select null) x", "NULL"),
        (
            "select max(null), sum(null), count(null), avg(null), group_concat(null)",
            "NULL,NULL,0,NULL,NULL",
        ),
        ("select a from n order by null, a desc", "3|2|1"),
        (
            "select null = null, null <=> null, null + 1, null in (1), 1 in (null)",
            "NULL,1,NULL,NULL,NULL",
        ),
        ("select case when null then 1 end", "NULL"),
        ("select coalesce(null, null)", "NULL"),
        ("select a from n where null", ""),
        ("select a from n where b = null", ""),
        ("select lag(a, 1, null) over (order by a) from n order by a", "NULL|1|2"),
    ]);
}

#[test]
fn odd_places_and_large_expressions_work() {
    let world = world();
    world.check_all(&[
        ("select count(*) from emp where rand() < 2", "5"),
        ("select count(distinct x.r) from (select rand() as r from emp) x", "5"),
        ("select count(*) from (select id from emp order by rand() limit 3) x", "3"),
        ("select count(distinct x.r) from (select rand(3) as r from emp) x", "5"),
        ("select count(distinct x.u), max(length(x.u)) from (select uuid() as u from emp) x", "5,36"),
        ("select n.a from n left join m on n.a = m.a and m.b = (select max(b) from m) order by n.a", "1|2|3"),
        ("select n.a, m.b from n left join m on n.a = m.a and m.b = (select max(b) from m) order by n.a", "1,NULL|2,2|3,NULL"),
        ("select n.a from n join m on n.a = (select max(x.a) from m x where x.b = m.b)", "1|2"),
        ("select a from n group by a having (select count(*) from m where m.a = n.a) = 1", "1|2"),
        ("select max(a) from n group by (select b from m where m.a = n.a)", "1|2|3"),
        ("select d.title from dept d where (select count(*) from emp e where e.dept = d.id and e.pay > (select avg(x.pay) from emp x where x.dept = d.id)) = 1", "Works"),
        ("select d.id from dept d where d.id in (select e.dept from emp e group by e.dept having count(*) = 2)", "10|20"),
        ("select d.id, (select max(x.c) from (select count(*) as c from emp group by dept) x) from dept d", "10,2|20,2|30,2"),
        ("select 1 from (select 1) x, (select 2) y", "1"),
        ("select count(*) from emp e where e.id in (select id from emp where name like '%a%') and e.id not in (select boss from emp where boss is not null)", "1"),
        ("select group_concat(x.a order by x.a) from (select a from n limit 2) x", "1,2"),
        ("select e.dept, d.title, sum(e.pay) from emp e join dept d on e.dept = d.id group by e.dept, d.title with rollup", "10,NULL,1800.50|10,Works,1800.50|20,NULL,800.50|20,Sales,800.50|NULL,NULL,2601.00"),
    ]);
    let any: Vec<String> = (0..60).map(|at| format!("id = {at}")).collect();
    world.check(&format!("select count(*) from emp where {}", any.join(" or ")), "5");
    let list: Vec<String> = (0..3000).map(|at| at.to_string()).collect();
    world.check(&format!("select count(*) from emp where id in ({})", list.join(",")), "5");
}

/// Joins that are put in another order keep their conditions.
#[test]
fn a_key_over_several_tables_is_not_lost() {
    world().check_all(&[
        ("select x.a, y.a, z.a from n x join n y join n z on x.a + y.a = z.a and x.a = z.a - 1", "1,1,2|2,1,3"),
        ("select x.a, y.a from n x, n y where (select max(a) from n) + (select min(a) from n) = (select max(y.a) from m)", ""),
        ("select a from n where (select max(a) from m) + (select min(a) from n) = (select max(m.a) from m where m.a <= n.a)", ""),
        ("select a from n where (select max(a) from m) + (select min(a) from m) = (select max(x.a) from n x where x.a <= n.a)", "3"),
    ]);
}

/// An equality that comes to a join of nullable keys from further up stays one.
#[test]
fn two_nulls_are_not_equal_wherever_a_condition_goes() {
    world().check_all(&[
        ("select a from n where (case when b in (select m.b from m where m.a > n.a) then 1 else b end) = (select x.b from n x where x.a < 3 and x.a > n.a - 9 order by x.b limit 1)", ""),
        ("select a from n where b = (select x.b from n x where x.a > n.a - 1 and x.a < n.a + 1)", "1|3"),
        ("select x.a, y.a from n x left join n y on x.b <=> y.b where x.a = y.b", "1,1|3,3"),
        ("select x.a, y.a from n x join n y on x.b <=> y.b", "1,1|2,2|3,3"),
        ("select x.a from n x, n y, n z where x.b <=> y.b and y.b = z.b", "1|3"),
        ("select x.id, y.id from emp x join emp y on x.name <=> y.name and x.pay <=> y.pay and x.hired <=> y.hired", "1,1|2,2|3,3|4,4|5,5"),
        ("select (select null from n limit 1) not in (select count(*) from m)", "NULL"),
        ("select n.a, (select null from m limit 1) in (select x.a from m x where x.a <= n.a and n.a < 3) from n", "1,NULL|2,NULL|3,0"),
    ]);
}

/// `IN` as a value: NULL where MySQL's is, each row once, and no pair is compared.
#[test]
fn in_a_query_as_a_value_is_a_join_by_equality() {
    let world = world();
    world.check_all(&[
        ("select a, a in (select a from n union all select a from n) from n", "1,1|2,1|3,1"),
        ("select a, a in (select dept / 10 from emp where dept is not null) from n", "1,1|2,1|3,0"),
        (
            "select a, a not in (select dept / 10 from emp where dept is not null) from n",
            "1,0|2,0|3,1",
        ),
        ("select a, a in (select dept / 10 from emp) from n", "1,1|2,1|3,NULL"),
        ("select a, a not in (select dept / 10 from emp) from n", "1,0|2,0|3,NULL"),
        ("select a, b in (select a from m) from n", "1,1|2,NULL|3,0"),
        ("select a, b not in (select a from z) from n", "1,1|2,1|3,1"),
        ("select n.a, m.a in (select a from m) from n left join m on n.a = m.a", "1,1|2,1|3,NULL"),
        ("select n.a, m.a in (select a from z) from n left join m on n.a = m.a", "1,0|2,0|3,0"),
        ("select a from n where a = 1 or not (b in (select b from m))", "1|3"),
        ("select a from n where a = 1 or b not in (select b from n)", "1"),
        (
            "select id, ci in (select ci from words where id > 1) from words",
            "1,1|2,1|3,1|4,1|5,NULL",
        ),
        (
            "select id, ci in (select ci from words where id = 3) from words",
            "1,0|2,0|3,1|4,0|5,NULL",
        ),
        (
            "select id, ci not in (select ci from words where id in (2, 5)) from words",
            "1,0|2,0|3,NULL|4,0|5,NULL",
        ),
        (
            "select id, bin in (select ci from words where id = 1) from words",
            "1,1|2,0|3,1|4,0|5,NULL",
        ),
        ("select a, a in (select '1' union all select '1.0') from n", "1,1|2,0|3,0"),
        ("select 1 in (select a from n), 9 in (select b from n)", "1,NULL"),
    ]);
    for sql in [
        "select a from n where a = 3 or a in (select a from m)",
        "select a from n where a = 3 or b not in (select b from m)",
    ] {
        let plan = world.explain(sql);
        assert!(plan.contains("HashJoin"), "{sql}:\n{plan}");
    }
}

/// An aggregate belongs to the query whose columns it names.
#[test]
fn aggregates_inside_subqueries_are_those_of_the_query_around() {
    world().check_all(&[
        ("select dept from emp group by dept having exists (select 1 from dept d where d.id = emp.dept and max(emp.pay) > 900)", "10"),
        ("select dept, (select d.title from dept d where d.id = 10 * count(emp.id)) from emp group by dept", "10,Sales|20,Sales|NULL,Works"),
        ("select (select max(n.a) from m where m.a = 1) from n", "3"),
        ("select (select max(n.a + m.a) from m) from n", "3|4|5"),
        ("select a from n where a in (select max(n.a) from m)", "1|2|3"),
        ("select a from n where exists (select 1 from m where max(n.a) > 1)", "ERROR 1111 (HY000): Invalid use of group function"),
        ("select max(count(a)) from n", "ERROR 1111 (HY000): Invalid use of group function"),
    ]);
}

/// Larger ones, with the stack that the server has: `tests/sql/test_subqueries.py`.
#[test]
fn plans_have_bounds() {
    let world = world();
    let one = "(select max(x.b) from m x where x.a < n.a)";
    let many = |count| std::iter::repeat_n(one, count).collect::<Vec<_>>().join(",");
    // A design that doubled the plan with each would make 4,096 of it.
    world.check(&format!("select {} from n where a = 2", many(12)), &["1"; 12].join(","));
    let error = world.ask(&format!("select {} from n", many(101)), &mut Context::default());
    assert_eq!(error.expect_err("a plan of minutes").code, 1473);

    let mut nested = "x5.a".to_owned();
    for level in (1..=5).rev() {
        let (own, outer) = (format!("x{level}"), format!("x{}", level - 1));
        nested = format!(
            "(select max({own}.a) from n {own} where {own}.a < {outer}.a + {nested} and {own}.b < {nested} and {own}.b > {nested})"
        );
    }
    let error = world.ask(&format!("select {nested} from n x0"), &mut Context::default());
    assert_eq!(error.expect_err("a plan of all memory").code, 1473);

    let mut doubled = "with c0 as (select a from n)".to_owned();
    for level in 1..=12 {
        let before = level - 1;
        doubled +=
            &format!(", c{level} as (select x.a from c{before} x join c{before} y on x.a = y.a)");
    }
    let error = world.ask(&format!("{doubled} select * from c12"), &mut Context::default());
    assert_eq!(error.expect_err("a million tables").code, 1116);
    let joined: Vec<String> = (0..62).map(|at| format!("n n{at}")).collect();
    let sql = format!("select 1 from {}", joined.join(", "));
    let error = world.ask(&sql, &mut Context::default());
    assert_eq!(error.expect_err("more tables than MySQL joins").code, 1116);
}

#[test]
fn an_explained_query_names_its_scans() {
    let plan = world().explain("select name from emp where dept in (select id from dept)");
    assert!(plan.contains("Scan: emp, rows=5"), "{plan}");
    assert!(plan.contains("Scan: dept, rows=3"), "{plan}");
    assert!(plan.contains("HashJoinExec"), "{plan}");
}

#[test]
fn what_does_not_fit_in_memory_is_refused() {
    let (from, on) = ("emp a, emp b, emp c, emp d, emp e, emp f, emp g, emp h", "count(*)");
    let sql = format!("select {on}, group_concat(a.name order by b.name, c.id, d.id) from {from}");
    let error = world().ask(&sql, &mut holdfast_value::Context::default());
    assert_eq!(error.map_err(|error| error.code), Err(1038));
}
