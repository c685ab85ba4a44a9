//! The compute node: catalog, bind, plan, execute.
