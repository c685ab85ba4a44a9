//! One voter.

use super::*;

#[test]
fn what_was_answered_is_there_after_a_power_cut() {
    for seed in holdfast_sim::seeds(8) {
        holdfast_sim::run(async {
            let mut world = World::new(seed, 1);
            let meta = world.open().await;
            let bucket = bucket(&meta, "photos").await;
            for n in 0..20 {
                let outcome = meta.execute(put(bucket, &format!("k{n}"), &format!("v{n}"))).await;
                assert!(matches!(outcome, Ok(Outcome::Object { .. })), "seed {seed}: {outcome:?}");
            }
            world.crash();
            drop(meta);
            let meta = world.open().await;
            for n in 0..20 {
                let found = get(&meta, bucket, &format!("k{n}")).await;
                assert_eq!(found, Some(small(&format!("v{n}"))), "seed {seed}: k{n}");
            }
            meta.shutdown().await;
            let meta = world.open().await;
            assert_eq!(get(&meta, bucket, "k7").await, Some(small("v7")));
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_drive_of_another_cluster_is_refused() {
    holdfast_sim::run(async {
        let world = World::new(1, 1);
        world.open().await.shutdown().await;
        let mut config = world.config();
        config.cluster = ClusterId([9; 16]);
        let error = Meta::open(config).await.err().unwrap().to_string();
        assert!(error.contains("of cluster"), "{error}");
    });
}
