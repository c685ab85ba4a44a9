//! Window functions.

use holdfast_value::SqlType;
use sqlparser::ast;

use super::{Binder, Phase, aggregate, call};
use crate::algebra::{Bound, Frame, Order, Window, WindowKind};
use crate::error::{Result, SqlError};
use crate::expr::Typed;

fn kind(name: &str) -> Option<WindowKind> {
    use WindowKind as K;
    Some(match name {
        "row_number" => K::RowNumber,
        "rank" => K::Rank,
        "dense_rank" => K::DenseRank,
        "percent_rank" => K::PercentRank,
        "cume_dist" => K::CumeDist,
        "ntile" => K::Ntile,
        "lag" => K::Lag,
        "lead" => K::Lead,
        "first_value" => K::FirstValue,
        "last_value" => K::LastValue,
        "nth_value" => K::NthValue,
        _ => return None,
    })
}

impl Binder<'_> {
    pub(crate) fn window_call(&mut self, name: &str, function: &ast::Function) -> Result<Typed> {
        if self.blocks.last().is_none_or(|block| block.phase != Phase::Groups) {
            return Err(SqlError::new(
                3593,
                format!("You cannot use the window function '{name}' in this context.'"),
            ));
        }
        let Some(over) = &function.over else {
            return Err(SqlError::internal("a window call without its window"));
        };
        let (kind, args, of) = if let Some(kind) = kind(name) {
            let args = call::plain_args(function)?;
            let args = args.into_iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
            let of = result_type(kind, &args)?;
            (kind, args, of)
        } else if let Some(kind) = aggregate::kind(name) {
            let call = self.aggregate(kind, function)?;
            if call.distinct {
                return Err(SqlError::unsupported("<window function>(DISTINCT ..)"));
            }
            (WindowKind::Aggregate(call.kind), call.args, call.of)
        } else {
            return Err(SqlError::new(1305, format!("FUNCTION {name} does not exist")));
        };
        let spec = self.window_spec(over)?;
        let (partition, order, frame) = self.window_parts(&spec)?;
        let call = Window { kind, args, partition, order, frame, of: of.clone() };
        let id = self.fresh();
        if let Some(block) = self.blocks.last_mut() {
            block.windows.push((id, call));
        }
        Ok(Typed::column(id, of, true))
    }

    /// The window, whatever it inherits put in.
    fn window_spec(&self, over: &ast::WindowType) -> Result<ast::WindowSpec> {
        let named = |name: &ast::Ident| {
            let found = self.blocks.last().and_then(|block| {
                let fits = |(known, _): &&(String, ast::WindowSpec)| {
                    known.eq_ignore_ascii_case(&name.value)
                };
                block.named_windows.iter().find(fits).map(|(_, spec)| spec.clone())
            });
            found.ok_or_else(|| {
                SqlError::new(3579, format!("Window name '{}' is not defined.", name.value))
            })
        };
        let mut spec = match over {
            ast::WindowType::NamedWindow(name) => named(name)?,
            ast::WindowType::WindowSpec(spec) => spec.clone(),
        };
        let mut hops = 0;
        while let Some(name) = spec.window_name.take() {
            let base = named(&name)?;
            if spec.partition_by.is_empty() {
                spec.partition_by = base.partition_by;
            }
            if spec.order_by.is_empty() {
                spec.order_by = base.order_by;
            }
            spec.window_name = base.window_name;
            hops += 1;
            if hops > 16 {
                return Err(SqlError::new(
                    3580,
                    "There is a circularity in the window dependency graph.",
                ));
            }
        }
        Ok(spec)
    }

    fn window_parts(
        &mut self,
        spec: &ast::WindowSpec,
    ) -> Result<(Vec<Typed>, Vec<Order>, Option<Frame>)> {
        let partition = spec.partition_by.iter().map(|by| self.expr(by)).collect::<Result<_>>()?;
        let mut order = Vec::new();
        for key in &spec.order_by {
            order.push(Order { by: self.expr(&key.expr)?, desc: key.options.asc == Some(false) });
        }
        let frame = match &spec.window_frame {
            None => None,
            Some(frame) => {
                let rows = match frame.units {
                    ast::WindowFrameUnits::Rows => true,
                    ast::WindowFrameUnits::Range => false,
                    ast::WindowFrameUnits::Groups => return Err(SqlError::unsupported("GROUPS")),
                };
                let from = self.bound(&frame.start_bound)?;
                let to = match &frame.end_bound {
                    Some(bound) => self.bound(bound)?,
                    None => Bound::Current,
                };
                Some(Frame { rows, from, to })
            }
        };
        Ok((partition, order, frame))
    }

    fn bound(&mut self, bound: &ast::WindowFrameBound) -> Result<Bound> {
        let by = |binder: &mut Self, by: &Option<Box<ast::Expr>>| {
            by.as_ref().map(|by| binder.expr(by)).transpose()
        };
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => Bound::Current,
            ast::WindowFrameBound::Preceding(distance) => Bound::Before(by(self, distance)?),
            ast::WindowFrameBound::Following(distance) => Bound::After(by(self, distance)?),
        })
    }
}

fn result_type(kind: WindowKind, args: &[Typed]) -> Result<SqlType> {
    use WindowKind as K;
    let wants = match kind {
        K::RowNumber | K::Rank | K::DenseRank | K::PercentRank | K::CumeDist => 0..=0,
        K::Ntile | K::FirstValue | K::LastValue => 1..=1,
        K::NthValue => 2..=2,
        K::Lag | K::Lead => 1..=3,
        K::Aggregate(_) => 0..=2,
    };
    if !wants.contains(&args.len()) {
        return Err(SqlError::syntax(format!("{kind:?} does not take {} arguments", args.len())));
    }
    Ok(match kind {
        K::RowNumber | K::Rank | K::DenseRank | K::Ntile => SqlType::BIGINT_UNSIGNED,
        K::PercentRank | K::CumeDist => SqlType::DOUBLE,
        K::Lag | K::Lead => {
            super::types::common(args.iter().take(1).chain(args.iter().skip(2)).map(|arg| &arg.of))
        }
        _ => args.first().map_or(SqlType::Null, |arg| arg.of.clone()),
    })
}
