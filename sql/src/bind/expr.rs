//! Expressions: one function per kind.

use holdfast_value::{SqlType, Value};
use sqlparser::ast::{self, BinaryOperator as Op, UnaryOperator};

use super::{Binder, collation, interval, json, types};
use crate::algebra::Query;
use crate::error::{Result, SqlError};
use crate::expr::{Expr, Typed};

/// The most operators of the chains around an expression: what they become is as deep.
const CHAIN_MAX: usize = 128;

fn is_arithmetic(op: &Op) -> bool {
    matches!(op, Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo)
}

fn is_interval(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Interval(_))
}

impl Binder<'_> {
    /// Binds one expression.
    ///
    /// # Errors
    /// MySQL's, for names and types that do not fit.
    pub(crate) fn expr(&mut self, expr: &ast::Expr) -> Result<Typed> {
        self.deeper(|binder| binder.expr_here(expr))
    }

    fn expr_here(&mut self, expr: &ast::Expr) -> Result<Typed> {
        use ast::Expr as E;
        match expr {
            E::Nested(inner) => self.expr(inner),
            E::Value(value) => self.literal(&value.value),
            E::Identifier(name) if name.value.starts_with('@') => self.at_name(&name.value),
            E::Identifier(name) => self.column(&[], &name.value),
            E::CompoundIdentifier(parts) => self.compound(parts),
            E::UnaryOp { op, expr } => self.unary(*op, expr),
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::IsNull(inner) => self.call_on("is_null", &[inner]),
            E::IsNotNull(inner) => {
                let inner = self.call_on("is_null", &[inner])?;
                self.not(inner)
            }
            E::IsTrue(inner) => self.call_on("is_true", &[inner]),
            E::IsFalse(inner) => self.call_on("is_false", &[inner]),
            E::IsUnknown(inner) => self.call_on("is_null", &[inner]),
            E::IsNotTrue(inner) => self.negated("is_true", inner),
            E::IsNotFalse(inner) => self.negated("is_false", inner),
            E::IsNotUnknown(inner) => self.negated("is_null", inner),
            E::Between { expr, negated, low, high } => self.between(expr, *negated, low, high),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::InSubquery { expr, subquery, negated } => self.in_query(expr, subquery, *negated),
            E::Exists { subquery, negated } => {
                let query = Box::new(self.subquery(subquery)?);
                Ok(Typed::new(Expr::Exists { query, negated: *negated }, SqlType::BIGINT, false))
            }
            E::Subquery(query) => self.scalar(query),
            E::AnyOp { left, compare_op, right, .. } => {
                self.quantified(left, compare_op, right, true)
            }
            E::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, false),
            E::Like { negated, expr, pattern, escape_char, .. } => {
                self.like(expr, pattern, escape_char.as_ref(), *negated)
            }
            E::RLike { negated, expr, pattern, .. } => {
                let found = self.call_on("regexp", &[expr, pattern])?;
                if *negated { self.not(found) } else { Ok(found) }
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Cast { expr, data_type, .. } => {
                let mut inner = self.expr(expr)?;
                let to = types::cast_type(data_type, self.setting.collation)?;
                if to == SqlType::Json && json::is_truth(expr) {
                    inner = self.truth_as_json(inner)?;
                }
                self.cast(inner, to)
            }
            E::Convert { expr, data_type, charset, .. } => {
                self.convert(expr, data_type.as_ref(), charset.as_ref())
            }
            E::Collate { expr, collation } => {
                let inner = self.expr(expr)?;
                self.collate(inner, &collation.to_string())
            }
            E::Prefixed { prefix, value } => self.introduced(&prefix.value, value),
            E::TypedString(typed) => self.typed_string(typed),
            E::Function(function) => self.function(function),
            E::Extract { field, expr, .. } => {
                let inner = self.expr(expr)?;
                self.call(&format!("extract_{}", interval::unit(field)?), vec![inner])
            }
            E::Ceil { expr, .. } => self.call_on("ceiling", &[expr]),
            E::Floor { expr, .. } => self.call_on("floor", &[expr]),
            E::Position { expr, r#in } => self.call_on("locate", &[expr, r#in]),
            E::Substring { expr, substring_from, substring_for, .. } => {
                let mut args = vec![self.expr(expr)?];
                for part in [substring_from, substring_for].into_iter().flatten() {
                    args.push(self.expr(part)?);
                }
                self.call("substring", args)
            }
            E::Trim { trim_where, trim_what, expr, .. } => {
                self.trim(*trim_where, trim_what.as_deref(), expr)
            }
            E::Overlay { .. } => Err(SqlError::unsupported("OVERLAY")),
            E::MemberOf(member) => self.call_on("member_of", &[&member.value, &member.array]),
            E::Interval(_) => Err(SqlError::syntax("an INTERVAL stands alone")),
            E::Tuple(_) => Err(SqlError::new(1241, "Operand should contain 1 column(s)")),
            E::MatchAgainst { .. } => Err(SqlError::unsupported("FULLTEXT")),
            E::JsonAccess { .. } => Err(SqlError::unsupported(expr)),
            other => Err(SqlError::unsupported(other)),
        }
    }

    fn compound(&mut self, parts: &[ast::Ident]) -> Result<Typed> {
        let names: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
        if names[0].starts_with("@@") {
            return self.at_name(&names.join("."));
        }
        match names.split_last() {
            Some((name, qualifier)) => self.column(qualifier, name),
            None => Err(SqlError::internal("an empty name")),
        }
    }

    /// Binds arguments and calls.
    pub(crate) fn call_on(&mut self, name: &str, args: &[&ast::Expr]) -> Result<Typed> {
        let args = self.arguments(name, args)?;
        self.call(name, args)
    }

    fn negated(&mut self, name: &str, inner: &ast::Expr) -> Result<Typed> {
        let inner = self.call_on(name, &[inner])?;
        self.not(inner)
    }

    pub(crate) fn not(&mut self, inner: Typed) -> Result<Typed> {
        self.call("not", vec![inner])
    }

    fn unary(&mut self, op: UnaryOperator, inner: &ast::Expr) -> Result<Typed> {
        match op {
            UnaryOperator::Plus => self.expr(inner),
            UnaryOperator::Minus => {
                // `-9223372036854775808` is a BIGINT, though its digits alone are not.
                if let ast::Expr::Value(value) = inner
                    && let ast::Value::Number(text, _) = &value.value
                {
                    return super::literal::number(&format!("-{text}"));
                }
                self.call_on("neg", &[inner])
            }
            UnaryOperator::Not | UnaryOperator::BangNot => {
                let inner = self.expr(inner)?;
                self.not(inner)
            }
            UnaryOperator::BitwiseNot => self.call_on("~", &[inner]),
            other => Err(SqlError::unsupported(other)),
        }
    }

    fn binary(&mut self, left: &ast::Expr, op: &Op, right: &ast::Expr) -> Result<Typed> {
        if let Some(dated) = self.date_arithmetic(left, op, right)? {
            return Ok(dated);
        }
        if let (ast::Expr::Tuple(left), ast::Expr::Tuple(right)) = (unnested(left), unnested(right))
        {
            return self.row_comparison(left, op, right);
        }
        match op {
            Op::And => return self.logic(left, right, Expr::And, true),
            Op::Or => return self.logic(left, right, Expr::Or, false),
            Op::StringConcat if !self.setting.pipes_as_concat => {
                return self.logic(left, right, Expr::Or, false);
            }
            Op::Assignment => return self.assign(left, right),
            op if is_arithmetic(op) => return self.chain(left, op, right),
            _ => {}
        }
        let mut args = vec![self.expr(left)?, self.expr(right)?];
        if matches!(op, Op::Eq | Op::NotEq | Op::Spaceship) {
            self.json_truth(&mut args, [left, right])?;
        }
        let name = match op {
            Op::Arrow => "json_extract",
            Op::LongArrow => {
                let extracted = self.call("json_extract", args)?;
                return self.call("json_unquote", vec![extracted]);
            }
            Op::StringConcat => "concat",
            other => operator(other)?,
        };
        self.call(name, args)
    }

    /// `a + b - c ...`: it leans to the left, and may be longer than expressions may
    /// be deep.
    fn chain(&mut self, left: &ast::Expr, op: &Op, right: &ast::Expr) -> Result<Typed> {
        let (mut sides, mut first) = (vec![(op, right)], left);
        while let ast::Expr::BinaryOp { left, op, right } = first
            && is_arithmetic(op)
            && !is_interval(left)
            && !is_interval(right)
        {
            sides.push((op, right));
            first = left;
        }
        let height = sides.len() - 1;
        if self.chained + height >= CHAIN_MAX {
            return Err(super::too_deep());
        }
        self.chained += height;
        let bound = self.links(first, sides);
        self.chained -= height;
        bound
    }

    fn links(&mut self, first: &ast::Expr, sides: Vec<(&Op, &ast::Expr)>) -> Result<Typed> {
        let mut bound = self.expr(first)?;
        for (op, side) in sides.into_iter().rev() {
            let side = self.expr(side)?;
            bound = self.call(operator(op)?, vec![bound, side])?;
        }
        Ok(bound)
    }

    fn logic(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        make: fn(Vec<Typed>) -> Expr,
        is_and: bool,
    ) -> Result<Typed> {
        // A chain leans to the left, and may be longer than expressions may be deep.
        let (mut sides, mut first) = (vec![right], left);
        while let ast::Expr::BinaryOp { left, op, right } = first
            && *op == if is_and { Op::And } else { Op::Or }
        {
            sides.push(right);
            first = left;
        }
        sides.push(first);
        let mut all = Vec::new();
        for side in sides.into_iter().rev() {
            let bound = self.expr(side)?;
            match bound.expr {
                Expr::And(inner) if is_and => all.extend(inner),
                Expr::Or(inner) if !is_and => all.extend(inner),
                expr => all.push(Typed { expr, ..bound }),
            }
        }
        let nullable = all.iter().any(|item| item.nullable);
        Ok(Typed::new(make(all), SqlType::BIGINT, nullable))
    }

    /// `(a, b) = (c, d)`, and the orders, as MySQL defines them: column by column.
    fn row_comparison(
        &mut self,
        left: &[ast::Expr],
        op: &Op,
        right: &[ast::Expr],
    ) -> Result<Typed> {
        let bind = |binder: &mut Self, side: &[ast::Expr]| {
            side.iter().map(|item| binder.expr(item)).collect::<Result<Vec<_>>>()
        };
        let (left, right) = (bind(self, left)?, bind(self, right)?);
        self.compare_rows(left, operator(op)?, right)
    }

    pub(crate) fn compare_rows(
        &mut self,
        left: Vec<Typed>,
        op: &str,
        right: Vec<Typed>,
    ) -> Result<Typed> {
        if left.len() != right.len() {
            return Err(columns_should_be(left.len()));
        }
        match op {
            "=" | "<=>" => {
                let pairs = left.into_iter().zip(right);
                let all =
                    pairs.map(|(a, b)| self.call(op, vec![a, b])).collect::<Result<Vec<_>>>()?;
                Ok(all_of(all))
            }
            "<>" => {
                let equal = self.compare_rows(left, "=", right)?;
                self.not(equal)
            }
            _ => self.row_order(left, op, right),
        }
    }

    /// `a < c OR (a = c AND b < d)`.
    fn row_order(&mut self, left: Vec<Typed>, op: &str, right: Vec<Typed>) -> Result<Typed> {
        let strict = if op.starts_with('<') { "<" } else { ">" };
        let last = left.len() - 1;
        let mut any = Vec::new();
        for at in 0..left.len() {
            let mut all = Vec::new();
            for before in 0..at {
                all.push(self.call("=", vec![left[before].clone(), right[before].clone()])?);
            }
            let op = if at == last { op } else { strict };
            all.push(self.call(op, vec![left[at].clone(), right[at].clone()])?);
            any.push(all_of(all));
        }
        let nullable = any.iter().any(|item| item.nullable);
        Ok(Typed::new(Expr::Or(any), SqlType::BIGINT, nullable))
    }

    fn between(
        &mut self,
        item: &ast::Expr,
        negated: bool,
        low: &ast::Expr,
        high: &ast::Expr,
    ) -> Result<Typed> {
        let item = self.expr(item)?;
        let (low, high) = (self.expr(low)?, self.expr(high)?);
        let above = self.call(">=", vec![item.clone(), low])?;
        let below = self.call("<=", vec![item, high])?;
        let inside = all_of(vec![above, below]);
        if negated { self.not(inside) } else { Ok(inside) }
    }

    fn in_list(&mut self, item: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Typed> {
        if let ast::Expr::Tuple(items) = unnested(item) {
            let mut any = Vec::new();
            for entry in list {
                let ast::Expr::Tuple(entry) = unnested(entry) else {
                    return Err(columns_should_be(items.len()));
                };
                any.push(self.row_comparison(items, &Op::Eq, entry)?);
            }
            let nullable = any.iter().any(|item| item.nullable);
            let found = Typed::new(Expr::Or(any), SqlType::BIGINT, nullable);
            return if negated { self.not(found) } else { Ok(found) };
        }
        let mut all = vec![self.expr(item)?];
        for entry in list {
            all.push(self.expr(entry)?);
        }
        collation::unify(&mut all, "in")?;
        let nullable = all.iter().any(|item| item.nullable);
        let item = Box::new(all.remove(0));
        Ok(Typed::new(Expr::In { item, list: all, negated }, SqlType::BIGINT, nullable))
    }

    fn in_query(&mut self, item: &ast::Expr, query: &ast::Query, negated: bool) -> Result<Typed> {
        let mut items = match unnested(item) {
            ast::Expr::Tuple(items) => {
                items.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?
            }
            single => vec![self.expr(single)?],
        };
        let query = self.subquery(query)?;
        if query.columns.len() != items.len() {
            return Err(columns_should_be(items.len()));
        }
        let mut nullable = false;
        for (item, column) in items.iter_mut().zip(&query.columns) {
            let mut other = Typed::column(column.id, column.of.clone(), column.nullable);
            nullable |= item.nullable || column.nullable;
            collation::unify([&mut *item, &mut other], "=")?;
        }
        let query = Box::new(query);
        Ok(Typed::new(Expr::InQuery { items, query, negated }, SqlType::BIGINT, nullable))
    }

    fn scalar(&mut self, query: &ast::Query) -> Result<Typed> {
        let query = self.subquery(query)?;
        let [column] = &query.columns[..] else { return Err(columns_should_be(1)) };
        let of = column.of.clone();
        Ok(Typed::new(Expr::Scalar(Box::new(query)), of, true))
    }

    /// A query inside of an expression; may name the columns around it.
    pub(crate) fn subquery(&mut self, query: &ast::Query) -> Result<Query> {
        self.deeper(|binder| binder.query(query))
    }

    /// `= ANY` is IN, `<> ALL` is NOT IN; the orders compare with the least or the
    /// greatest, which is right where neither side has NULLs or is empty, so that
    /// those cases are asked for beside it.
    fn quantified(
        &mut self,
        left: &ast::Expr,
        op: &Op,
        right: &ast::Expr,
        any: bool,
    ) -> Result<Typed> {
        let ast::Expr::Subquery(query) = unnested(right) else {
            return Err(SqlError::syntax("ANY and ALL want a subquery"));
        };
        match (op, any) {
            (Op::Eq, true) => self.in_query(left, query, false),
            (Op::NotEq, false) => self.in_query(left, query, true),
            _ => self.quantified_order(left, operator(op)?, query, any),
        }
    }

    /// `x < ANY (..)`: some row is that much greater; `x < ALL (..)`: no row is not.
    /// Both as EXISTS over the rows for which the comparison holds, or does not.
    fn quantified_order(
        &mut self,
        left: &ast::Expr,
        op: &'static str,
        query: &ast::Query,
        any: bool,
    ) -> Result<Typed> {
        let left = self.expr(left)?;
        let query = self.subquery(query)?;
        let [column] = &query.columns[..] else { return Err(columns_should_be(1)) };
        let right = Typed::column(column.id, column.of.clone(), column.nullable);
        let holds = self.call(op, vec![left, right])?;
        let test = if any {
            holds
        } else {
            let holds = self.call("is_true", vec![holds])?;
            self.not(holds)?
        };
        let columns = query.columns.clone();
        let rel = crate::algebra::Rel::Filter(Box::new(query.rel), test);
        let query = Box::new(Query { rel, columns });
        Ok(Typed::new(Expr::Exists { query, negated: !any }, SqlType::BIGINT, false))
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Typed> {
        let bound = operand.map(|operand| self.expr(operand)).transpose()?;
        let (mut tests, mut results) = (Vec::new(), Vec::new());
        for when in conditions {
            let test = self.expr(&when.condition)?;
            tests.push(match &bound {
                Some(bound) => {
                    let mut args = [bound.clone(), test];
                    let first = operand.unwrap_or(&when.condition);
                    self.json_truth(&mut args, [first, &when.condition])?;
                    let [bound, test] = args;
                    let args = self.as_texts(bound, test)?;
                    self.call("=", args.into())?
                }
                None => test,
            });
            results.push(self.expr(&when.result)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.expr(otherwise)?);
        }
        self.choice(tests, results)
    }

    /// TRUE and FALSE beside a JSON are JSON's.
    fn json_truth(&mut self, args: &mut [Typed], texts: [&ast::Expr; 2]) -> Result<()> {
        for (at, text) in texts.into_iter().enumerate() {
            let ast::Expr::Value(value) = text else { continue };
            let ast::Value::Boolean(is_so) = value.value else { continue };
            if args[1 - at].of == SqlType::Json {
                let word = self.text(if is_so { "true" } else { "false" });
                args[at] = self.cast(word, SqlType::Json)?;
            }
        }
        Ok(())
    }

    /// CASE compares a JSON with a text as texts, which `=` does not.
    fn as_texts(&mut self, left: Typed, right: Typed) -> Result<[Typed; 2]> {
        let text = SqlType::Text(holdfast_value::LobSize::Long, self.setting.collation);
        match (&left.of, &right.of) {
            (SqlType::Json, of) if of.is_text() => Ok([self.cast(left, text)?, right]),
            (of, SqlType::Json) if of.is_text() => Ok([left, self.cast(right, text)?]),
            _ => Ok([left, right]),
        }
    }

    /// CASE over bound parts; one more result than tests is ELSE.
    pub(crate) fn choice(&mut self, tests: Vec<Typed>, mut results: Vec<Typed>) -> Result<Typed> {
        collation::unify(&mut results, "case")?;
        let of = types::common(results.iter().map(|result| &result.of));
        let has_else = results.len() > tests.len();
        let nullable = !has_else || results.iter().any(|result| result.nullable);
        let otherwise = if has_else { results.pop().map(Box::new) } else { None };
        let whens = tests.into_iter().zip(results).collect();
        Ok(Typed::new(Expr::Case { whens, otherwise }, of, nullable))
    }

    /// CAST to a type.
    pub(crate) fn cast(&mut self, inner: Typed, to: SqlType) -> Result<Typed> {
        if inner.of == to {
            return Ok(inner);
        }
        let function = self.known("cast")?;
        Ok(Typed::new(Expr::Call(function, vec![inner]), to, true))
    }

    fn convert(
        &mut self,
        inner: &ast::Expr,
        data_type: Option<&ast::DataType>,
        charset: Option<&ast::ObjectName>,
    ) -> Result<Typed> {
        let inner = self.expr(inner)?;
        match (data_type, charset) {
            (Some(of), None) => self.cast(inner, types::cast_type(of, self.setting.collation)?),
            (_, Some(charset)) => self.with_charset(inner, &charset.to_string()),
            (None, None) => Err(SqlError::syntax("CONVERT wants a type or a character set")),
        }
    }

    pub(crate) fn with_charset(&mut self, inner: Typed, charset: &str) -> Result<Typed> {
        let collation = collation::of_charset(charset)
            .ok_or_else(|| SqlError::new(1115, format!("Unknown character set: '{charset}'")))?;
        let length = types::char_length(&inner.of);
        let to = match collation {
            holdfast_value::Collation::Binary => types::bytes_type(length.saturating_mul(4)),
            collation => types::text_type(length, collation),
        };
        self.cast(inner, to)
    }

    fn collate(&mut self, inner: Typed, name: &str) -> Result<Typed> {
        let name = name.trim_matches(['\'', '"', '`']);
        let collation = collation::by_name(name)
            .ok_or_else(|| SqlError::new(1273, format!("Unknown collation: '{name}'")))?;
        let length = types::char_length(&inner.of);
        let mut of =
            if inner.of.is_text() { inner.of.clone() } else { types::text_type(length, collation) };
        collation::set(&mut of, collation);
        let nullable = inner.nullable;
        let function = self.known("collate")?;
        let name = self.text(collation::name(collation));
        Ok(Typed::new(Expr::Call(function, vec![inner, name]), of, nullable))
    }

    /// `_utf8mb4'...'`, `_binary'...'`, `BINARY x`.
    fn introduced(&mut self, prefix: &str, value: &ast::Expr) -> Result<Typed> {
        let inner = self.expr(value)?;
        let charset = prefix.trim_start_matches('_');
        if charset.eq_ignore_ascii_case("binary") {
            let length = types::char_length(&inner.of);
            return self.cast(inner, types::bytes_type(length.saturating_mul(4)));
        }
        self.with_charset(inner, charset)
    }

    fn typed_string(&mut self, typed: &ast::TypedString) -> Result<Typed> {
        let inner = self.literal(&typed.value.value)?;
        let fsp = match inner.constant() {
            Some(Value::Text(text)) => {
                text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.len().min(6) as u8)
            }
            _ => 0,
        };
        let to = match &typed.data_type {
            ast::DataType::Date => SqlType::Date,
            ast::DataType::Time(..) => SqlType::Time(fsp),
            ast::DataType::Timestamp(..) | ast::DataType::Datetime(_) => SqlType::DateTime(fsp),
            other => return Err(SqlError::unsupported(other)),
        };
        let mut context = self.context.clone();
        let Some(value) = inner.constant() else { return self.cast(inner, to) };
        let converted = holdfast_value::cast::convert(value.clone(), &inner.of, &to, &mut context)?;
        if converted.is_null() {
            let what = match to {
                SqlType::Date => "DATE",
                SqlType::Time(_) => "TIME",
                _ => "DATETIME",
            };
            return Err(SqlError::new(1525, format!("Incorrect {what} value: {}", typed.value)));
        }
        Ok(Typed::literal(converted, to))
    }

    fn like(
        &mut self,
        item: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
        negated: bool,
    ) -> Result<Typed> {
        let mut args = vec![self.expr(item)?, self.expr(pattern)?];
        if let Some(escape) = escape {
            args.push(self.literal(&escape.value)?);
        }
        let found = self.call("like", args)?;
        if negated { self.not(found) } else { Ok(found) }
    }

    fn trim(
        &mut self,
        side: Option<ast::TrimWhereField>,
        what: Option<&ast::Expr>,
        from: &ast::Expr,
    ) -> Result<Typed> {
        let mut args = vec![self.expr(from)?];
        if let Some(what) = what {
            args.push(self.expr(what)?);
        }
        self.call(
            match side {
                None | Some(ast::TrimWhereField::Both) => "trim",
                Some(ast::TrimWhereField::Leading) => "trim_leading",
                Some(ast::TrimWhereField::Trailing) => "trim_trailing",
            },
            args,
        )
    }

    fn assign(&mut self, left: &ast::Expr, right: &ast::Expr) -> Result<Typed> {
        let ast::Expr::Identifier(name) = left else {
            return Err(SqlError::syntax("':=' wants a user variable"));
        };
        let value = self.expr(right)?;
        self.is_personal = true;
        let name = name.value.trim_start_matches('@').to_ascii_lowercase();
        let (of, nullable) = (value.of.clone(), value.nullable);
        Ok(Typed::new(Expr::Assign(name.into(), Box::new(value)), of, nullable))
    }
}

/// AND of bound parts.
pub(crate) fn all_of(mut all: Vec<Typed>) -> Typed {
    if all.len() == 1 {
        return all.remove(0);
    }
    let nullable = all.iter().any(|item| item.nullable);
    Typed::new(Expr::And(all), SqlType::BIGINT, nullable)
}

pub(crate) fn columns_should_be(count: usize) -> SqlError {
    SqlError::new(1241, format!("Operand should contain {count} column(s)"))
}

/// Without parentheses around it.
pub(crate) fn unnested(mut expr: &ast::Expr) -> &ast::Expr {
    while let ast::Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// The function that an operator is.
pub(crate) fn operator(op: &Op) -> Result<&'static str> {
    Ok(match op {
        Op::Plus => "+",
        Op::Minus => "-",
        Op::Multiply => "*",
        Op::Divide => "/",
        Op::MyIntegerDivide | Op::DuckIntegerDivide => "div",
        Op::Modulo => "%",
        Op::Eq => "=",
        Op::NotEq => "<>",
        Op::Lt => "<",
        Op::LtEq => "<=",
        Op::Gt => ">",
        Op::GtEq => ">=",
        Op::Spaceship => "<=>",
        Op::Xor => "xor",
        Op::BitwiseAnd => "&",
        Op::BitwiseOr => "|",
        Op::BitwiseXor => "^",
        Op::PGBitwiseShiftLeft => "<<",
        Op::PGBitwiseShiftRight => ">>",
        Op::Regexp => "regexp",
        other => return Err(SqlError::unsupported(other)),
    })
}
