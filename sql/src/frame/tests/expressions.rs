//! Expressions over columns: kernels and the library side by side.

use holdfast_value::Context;

use super::world::{Ready, World};

fn world() -> Ready {
    let mut world = World::default();
    world.table(
        "t",
        "id int not;i int;b bigint;u ubigint;d decimal(10,2);w decimal(40,4);f double;s varchar;dt datetime;ts timestamp;tm time;j json",
        "1|7|9223372036854775807|18446744073709551615|1.25|12345678901234567890123456789012345.6789|0.5|'12abc'|'2024-02-29 12:30:45'|'2024-01-01 00:00:00'|'01:02:03'|'{\"a\": 1}'
         2|-3|-5|0|-2.50|-1.0000|-1e3|'7'|'1999-12-31 23:59:59'|'2024-07-01 12:00:00'|'-10:00:00'|'[1, 2]'
         3|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
    );
    world.done()
}

#[test]
fn arithmetic_has_mysqls_types_and_limits() {
    world().check_all(&[
        ("select 1 / 2", "0.5000"),
        ("select i / 2 from t", "-1.5000|3.5000|NULL"),
        ("select i + 1, i - 1, i * 2 from t", "-2,-4,-6|8,6,14|NULL,NULL,NULL"),
        ("select b + 0 from t where id = 2", "-5"),
        (
            "select b + i from t where id = 1",
            "ERROR 1690 (22003): BIGINT value is out of range in '(9223372036854775807 + 7)'",
        ),
        ("select u + 0 from t where id = 1", "18446744073709551615"),
        ("select d + i, d - i, d * i from t where id = 1", "8.25,-5.75,8.75"),
        ("select d * d, d + d from t where id = 2", "6.2500,-5.00"),
        ("select d * d * d * d from t where id = 1", "2.44140625"),
        (
            "select w * 2, w + d from t where id = 1",
            "24691357802469135780246913578024691.3578,12345678901234567890123456789012346.9289",
        ),
        ("select w * d from t where id = 2", "2.500000"),
        ("select w * w from t where id = 2", "1.00000000"),
        ("select f * 2, f + i, f / 4 from t where id = 1", "1,7.5,0.125"),
        ("select i % 4, i div 2, -i from t where id = 1", "3,3,-7"),
        ("select 7 / 0, i / 0 from t where id = 1", "NULL,NULL"),
        ("select s + 1 from t where id = 2", "8"),
        (
            "select sum(w), avg(w) from t",
            "12345678901234567890123456789012344.6789,6172839450617283945061728394506172.33945000",
        ),
        ("select sum(b), sum(u), sum(f) from t", "9223372036854775802,18446744073709551615,-999.5"),
        ("select sum(d * d * d) from t", "-13.671875"),
        ("select round(d, 1), abs(d), floor(f) from t where id = 2", "-2.5,2.50,-1000"),
        ("select i & 3, i | 8, i << 1 from t where id = 1", "3,15,14"),
    ]);
}

#[test]
fn comparisons_of_unlike_types_are_mysqls() {
    world().check_all(&[
        ("select id from t where u > b", "1|2"),
        ("select id from t where d = 1.25", "1"),
        ("select id from t where d > 1", "1"),
        ("select id from t where d < i", "1"),
        ("select id from t where f = 0.5", "1"),
        ("select id from t where s = 7", "2"),
        ("select id from t where s > 10", "1"),
        ("select id from t where i = '7'", "1"),
        ("select id from t where dt > '2000-01-01'", "1"),
        ("select id from t where dt = '2024-02-29 12:30:45'", "1"),
        ("select id from t where date(dt) = '2024-02-29'", "1"),
        ("select id from t where tm > '00:00:00'", "1"),
        ("select id from t where i in (7.0, 8)", "1"),
        ("select id from t where i is true", "1|2"),
        ("select id from t where (i > 0) is not true", "2|3"),
        ("select id from t where i > 0 xor id = 1", ""),
        ("select i > 0 and null, i > 0 or null from t where id = 1", "NULL,1"),
        ("select id from t where j = cast('[1, 2]' as json)", "2"),
        ("select id from t where w > 5.5", "1"),
    ]);
}

#[test]
fn functions_and_casts_go_through_the_library() {
    world().check_all(&[
        ("select upper(s), length(s), concat(s, '-', i) from t where id = 1", "12ABC,5,12abc-7"),
        (
            "select substring(s, 2, 2), left(s, 1), replace(s, 'a', 'x') from t where id = 1",
            "2a,1,12xbc",
        ),
        (
            "select cast(s as signed), cast(d as signed), cast(f as char) from t where id = 1",
            "12,1,0.5",
        ),
        ("select cast(i as decimal(10,3)), cast(d as double) from t where id = 1", "7.000,1.25"),
        (
            "select cast(dt as date), cast('2020-01-02' as datetime) from t where id = 1",
            "2024-02-29,2020-01-02 00:00:00",
        ),
        (
            "select year(dt), month(dt), day(dt), quarter(dt), hour(dt) from t where id = 1",
            "2024,2,29,1,12",
        ),
        ("select extract(year from dt), extract(month from dt) from t where id = 2", "1999,12"),
        (
            "select dt + interval 1 day, dt - interval 1 month from t where id = 1",
            "2024-03-01 12:30:45,2024-01-29 12:30:45",
        ),
        ("select date '1998-12-01' - interval '90' day", "1998-09-02"),
        ("select datediff(dt, '2024-02-01') from t where id = 1", "28"),
        ("select date_format(dt, '%Y/%m') from t where id = 1", "2024/02"),
        ("select json_extract(j, '$.a'), j->'$[1]' from t where id < 3", "1,NULL|NULL,2"),
        ("select greatest(i, 2, 3), least(i, 2) from t where id = 1", "7,2"),
        ("select s regexp '^[0-9]+$' from t", "0|1|NULL"),
        ("select hex(i), conv(i, 10, 2) from t where id = 1", "7,111"),
        ("select isnull(i), i is null from t where id = 3", "1,1"),
        ("select tm, ts from t where id = 2", "-10:00:00,2024-07-01 12:00:00"),
        ("select case i when 7 then 'seven' else 'other' end from t where id < 3", "other|seven"),
    ]);
}

#[test]
fn warnings_of_rows_are_collected() {
    let world = world();
    let (rows, warnings) =
        world.ask("select s + 0 from t where id = 1", &mut Context::default()).expect("it runs");
    assert_eq!((rows.as_str(), &warnings[..]), ("12", &[1292][..]));
}
