//! Aggregate functions, and what may stand beside them.

use holdfast_value::{IntWidth, LobSize, SqlType};
use sqlparser::ast;

use super::{Binder, Phase, call};
use crate::algebra::{Aggregate, AggregateKind, Order, Rel};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// The aggregate function of this name.
pub(crate) fn kind(name: &str) -> Option<AggregateKind> {
    use AggregateKind as K;
    Some(match name {
        "count" => K::Count,
        "sum" => K::Sum,
        "avg" => K::Avg,
        "min" => K::Min,
        "max" => K::Max,
        "bit_and" => K::BitAnd,
        "bit_or" => K::BitOr,
        "bit_xor" => K::BitXor,
        "std" | "stddev" | "stddev_pop" => K::StdPop,
        "stddev_samp" => K::StdSamp,
        "variance" | "var_pop" => K::VarPop,
        "var_samp" => K::VarSamp,
        "group_concat" => K::GroupConcat,
        "json_arrayagg" => K::JsonArray,
        "json_objectagg" => K::JsonObject,
        "any_value" => K::Any,
        "grouping" => K::Grouping,
        _ => return None,
    })
}

/// What an aggregate gives.
pub(crate) fn result_type(kind: AggregateKind, args: &[Typed]) -> SqlType {
    use AggregateKind as K;
    let first = args.first().map_or(SqlType::Null, |arg| arg.of.clone());
    let collation = first.collation();
    match kind {
        K::CountRows | K::Count | K::Grouping => SqlType::BIGINT,
        K::Sum => sum_type(&first),
        K::Avg => match first {
            SqlType::Float { .. } | SqlType::Double { .. } => SqlType::DOUBLE,
            ref of if !of.is_number() => SqlType::DOUBLE,
            ref of => {
                let (before, scale) = exact_shape(of);
                let scale = (scale + 4).min(30);
                SqlType::Decimal { precision: (before + scale).min(65), scale, unsigned: false }
            }
        },
        K::BitAnd | K::BitOr | K::BitXor => SqlType::BIGINT_UNSIGNED,
        K::StdPop | K::StdSamp | K::VarPop | K::VarSamp => SqlType::DOUBLE,
        K::GroupConcat => SqlType::Text(
            LobSize::Medium,
            if first.is_text() { collation } else { holdfast_value::Collation::default() },
        ),
        K::JsonArray | K::JsonObject => SqlType::Json,
        K::Min | K::Max | K::Any => first,
    }
}

fn sum_type(of: &SqlType) -> SqlType {
    match of {
        of if of.is_integer() || matches!(of, SqlType::Decimal { .. }) => {
            let (before, scale) = exact_shape(of);
            let precision = (before + scale + 22).min(65);
            SqlType::Decimal { precision, scale, unsigned: false }
        }
        _ => SqlType::DOUBLE,
    }
}

fn exact_shape(of: &SqlType) -> (u8, u8) {
    match of {
        SqlType::Decimal { precision, scale, .. } => (precision - scale, *scale),
        SqlType::Int { width, .. } => match width {
            IntWidth::Tiny => (3, 0),
            IntWidth::Small => (5, 0),
            IntWidth::Medium => (8, 0),
            IntWidth::Int => (10, 0),
            IntWidth::Big => (20, 0),
        },
        _ => (20, 0),
    }
}

impl Binder<'_> {
    pub(crate) fn aggregate_call(
        &mut self,
        kind: AggregateKind,
        call: &ast::Function,
    ) -> Result<Typed> {
        let misused = || SqlError::new(1111, "Invalid use of group function");
        if !self.blocks.iter().any(|block| block.phase == Phase::Groups) {
            return Err(misused());
        }
        let phase = self.blocks.last().map(|block| block.phase);
        self.set_phase(Phase::Inside);
        let bound = self.aggregate(kind, call);
        phase.into_iter().for_each(|phase| self.set_phase(phase));
        let bound = bound?;
        let at = self.block_of(&bound.args).ok_or_else(misused)?;
        Ok(self.keep_aggregate(bound, at))
    }

    /// The query block whose rows an aggregate goes over: not outside of the innermost
    /// that its arguments name a column of, and of those the outermost where it may
    /// stand. `HAVING EXISTS (SELECT .. WHERE i.x = MAX(outer.y))` aggregates outside.
    fn block_of(&self, args: &[Typed]) -> Option<usize> {
        let may = |block: &super::Block| block.phase == Phase::Groups;
        let innermost = self.blocks.len().checked_sub(1)?;
        let named: Vec<ColumnId> = args.iter().flat_map(walk::columns).collect();
        let has = |scope: &super::Scope| scope.columns.iter().any(|own| named.contains(&own.id));
        let outermost = match self.scopes.iter().rposition(has) {
            Some(scope) => self.blocks.iter().rposition(|block| block.scopes_from <= scope)?,
            None if may(&self.blocks[innermost]) => innermost,
            None => 0,
        };
        (outermost..=innermost).find(|at| may(&self.blocks[*at]))
    }

    /// The column of a block's aggregate; the same call twice is one.
    fn keep_aggregate(&mut self, call: Aggregate, block: usize) -> Typed {
        let nullable = !matches!(call.kind, AggregateKind::Count | AggregateKind::CountRows);
        let of = call.of.clone();
        let known = self.blocks.get(block).and_then(|block| {
            let same = |(_, other): &&(ColumnId, Aggregate)| {
                other.kind == call.kind
                    && other.args == call.args
                    && other.distinct == call.distinct
                    && other.order.is_empty()
                    && call.order.is_empty()
                    && other.separator == call.separator
            };
            block.aggregates.iter().find(same).map(|(id, _)| *id)
        });
        let id = known.unwrap_or_else(|| {
            let id = self.fresh();
            if let Some(block) = self.blocks.get_mut(block) {
                block.aggregates.push((id, call));
            }
            id
        });
        Typed::column(id, of, nullable)
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        if let Some(block) = self.blocks.last_mut() {
            block.phase = phase;
        }
    }

    pub(crate) fn aggregate(
        &mut self,
        mut kind: AggregateKind,
        function: &ast::Function,
    ) -> Result<Aggregate> {
        let ast::FunctionArguments::List(list) = &function.args else {
            return Err(SqlError::syntax(format!("'{function}' wants arguments")));
        };
        let distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
        let is_star =
            matches!(&list.args[..], [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)]);
        let args = if is_star && kind == AggregateKind::Count {
            kind = AggregateKind::CountRows;
            Vec::new()
        } else {
            let name = function.name.to_string().to_ascii_lowercase();
            self.arguments(&name, &call::plain_args(function)?)?
        };
        check_count(kind, &args, distinct)?;
        let (mut order, mut separator) = (Vec::new(), Box::from(","));
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(keys) => {
                    for key in keys {
                        let by = self.expr(&key.expr)?;
                        order.push(Order { by, desc: key.options.asc == Some(false) });
                    }
                }
                ast::FunctionArgumentClause::Separator(value) => {
                    if let Some(text) = value.value.clone().into_string() {
                        separator = text.into();
                    }
                }
                other => return Err(SqlError::unsupported(other)),
            }
        }
        let of = result_type(kind, &args);
        Ok(Aggregate { kind, args, distinct, order, separator, of })
    }

    /// Makes `typed` an expression over groups: keys become their columns, columns
    /// that depend on the keys any value of the group; others are refused.
    pub(crate) fn over_groups(&mut self, typed: &mut Typed, groups: &Groups) -> Result<()> {
        let mut trouble = None;
        let mut any = Vec::new();
        walk::each_mut(typed, &mut |item| {
            if let Some((id, key)) = groups.keys.iter().find(|(_, key)| key == item) {
                *item = Typed::column(*id, key.of.clone(), key.nullable || groups.rollup);
                return false;
            }
            if let Expr::Column(id) = item.expr
                && groups.rows.contains(&id)
            {
                if !groups.is_determined(id) && trouble.is_none() {
                    trouble = Some(id);
                }
                any.push((id, item.of.clone(), item.nullable));
            }
            true
        });
        if let Some(id) = trouble
            && self.setting.full_group_by
        {
            return Err(groups.refuse(id));
        }
        for (id, of, nullable) in any {
            let arg = Typed::column(id, of.clone(), nullable);
            let call = Aggregate {
                kind: AggregateKind::Any,
                args: vec![arg],
                distinct: false,
                order: Vec::new(),
                separator: "".into(),
                of,
            };
            let innermost = self.blocks.len().saturating_sub(1);
            let replacement = self.keep_aggregate(call, innermost);
            walk::each_mut(typed, &mut |item| {
                if item.expr == Expr::Column(id) {
                    *item = replacement.clone();
                    return false;
                }
                true
            });
        }
        Ok(())
    }
}

/// What a query is grouped by.
pub(crate) struct Groups {
    /// The keys and their columns.
    pub keys: Vec<(ColumnId, Typed)>,
    /// The columns of the rows that are grouped.
    pub rows: Vec<ColumnId>,
    /// Those whose whole key is grouped by.
    pub determined: Vec<std::ops::Range<ColumnId>>,
    pub rollup: bool,
    /// Names, for refusals.
    pub names: Vec<(ColumnId, String)>,
}

impl Groups {
    pub fn new(keys: Vec<(ColumnId, Typed)>, rel: &Rel, names: Vec<(ColumnId, String)>) -> Self {
        let mut determined = Vec::new();
        tables(rel, &mut |scan| {
            let grouped = |column: u32| {
                let id = scan.first + column;
                keys.iter().any(|(_, key)| key.expr == Expr::Column(id))
            };
            let by_primary = !scan.table.primary.parts.is_empty()
                && scan.table.primary.parts.iter().all(|part| grouped(u32::from(part.column)));
            let by_unique = scan.table.indexes.iter().any(|index| {
                let whole = |part: &crate::catalog::KeyPart| {
                    part.prefix.is_none()
                        && grouped(u32::from(part.column))
                        && !scan.table.columns[usize::from(part.column)].nullable
                };
                index.unique && index.key.parts.iter().all(whole)
            });
            if by_primary || by_unique {
                determined.push(scan.first..scan.first + scan.table.columns.len() as u32);
            }
        });
        Self { keys, rows: rel.ids(), determined, rollup: false, names }
    }

    fn is_determined(&self, id: ColumnId) -> bool {
        self.determined.iter().any(|range| range.contains(&id))
    }

    fn refuse(&self, id: ColumnId) -> SqlError {
        let name = self.names.iter().find(|(other, _)| *other == id);
        let name = name.map_or("?", |(_, name)| name.as_str());
        if self.keys.is_empty() {
            return SqlError::new(
                1140,
                format!(
                    "In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column '{name}'; this is incompatible with sql_mode=only_full_group_by"
                ),
            );
        }
        SqlError::new(
            1055,
            format!(
                "Expression #1 of SELECT list is not in GROUP BY clause and contains nonaggregated column '{name}' which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by"
            ),
        )
    }
}

/// Calls `act` for every table whose columns a relation passes on.
fn tables(rel: &Rel, act: &mut dyn FnMut(&crate::algebra::Scan)) {
    match rel {
        Rel::Scan(scan) => act(scan),
        Rel::Join { left, right, .. } => {
            tables(left, act);
            tables(right, act);
        }
        Rel::Filter(input, _) => tables(input, act),
        _ => {}
    }
}

fn check_count(kind: AggregateKind, args: &[Typed], distinct: bool) -> Result<()> {
    use AggregateKind as K;
    let fits = match kind {
        K::CountRows => true,
        K::Count => args.len() == 1 || (distinct && !args.is_empty()),
        K::JsonObject => args.len() == 2,
        K::GroupConcat | K::Grouping => !args.is_empty(),
        _ => args.len() == 1,
    };
    if fits {
        Ok(())
    } else {
        Err(SqlError::syntax(format!("{kind:?} does not take {} arguments", args.len())))
    }
}
