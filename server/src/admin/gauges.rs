//! Figures of this moment, as gauges and counters of a registry that lives for one scrape.

use std::sync::atomic::AtomicU64;

use holdfast_api::object::StoreStatus;
use holdfast_io::host::process_figures;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::state::Admin;
use super::status::{self, DriveRow, Status};

type Number = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Drive {
    drive: u16,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bucket {
    bucket: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Replica {
    replica: u64,
}

/// All of them.
pub(super) async fn of(admin: &Admin) -> Registry {
    let mut registry = Registry::default();
    process(&mut registry);
    let Ok(running) = admin.running() else {
        gauge(&mut registry, "holdfast_server_up_state", "1 once the services run", 0.0);
        return registry;
    };
    let status = status::collect(admin, running).await;
    gauge(&mut registry, "holdfast_server_up_state", "1 once the services run", 1.0);
    gauge(
        &mut registry,
        "holdfast_server_uptime_seconds",
        "How long the process runs",
        status.uptime_s as f64,
    );
    let backend = status.drives.iter().find_map(|drive| drive.backend.clone()).unwrap_or_default();
    let build = [
        ("version", status.version.clone()),
        ("commit", status.commit.clone().unwrap_or_default()),
        ("profile", crate::version::PROFILE.to_owned()),
        ("io_backend", backend),
        ("geometry", status.store.geometry.clone()),
    ];
    registry.register("holdfast_server_build", "What runs", Info::new(build));
    store(&mut registry, &status.store);
    redundancy(&mut registry, &status);
    drives(&mut registry, &status);
    buckets(&mut registry, &status);
    metadata(&mut registry, &status);
    database(&mut registry, &status);
    cache(&mut registry, &status);
    registry
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: f64) {
    registry.register(name, help, ConstGauge::new(value));
}

/// `name` without `_total`, which the encoder adds.
fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn process(registry: &mut Registry) {
    let now = process_figures();
    let mut set = |name, help, value: f64| gauge(registry, name, help, value);
    set("holdfast_process_resident_bytes", "Resident memory", now.resident_bytes as f64);
    set(
        "holdfast_process_resident_max_bytes",
        "The most ever resident",
        now.resident_bytes_max as f64,
    );
    set("holdfast_process_open_fds_count", "Open descriptors", now.open_fds as f64);
    set("holdfast_process_max_fds_count", "How many may be open", now.max_fds as f64);
    set("holdfast_process_threads_count", "Threads", now.threads as f64);
    registry.register(
        "holdfast_process_cpu_seconds",
        "Processor time, user and system",
        ConstCounter::new(now.cpu.as_secs_f64()),
    );
}

fn store(registry: &mut Registry, store: &StoreStatus) {
    let mut add = |name, help, value| counter(registry, name, help, value);
    let under = "PUTs acknowledged with fewer shards than their geometry has";
    add("holdfast_store_under_redundant_puts", under, store.under_redundant_puts);
    add(
        "holdfast_store_degraded_reads",
        "Reads that had to decode for want of a shard",
        store.degraded_reads,
    );
    add("holdfast_store_hedged_reads", "Reads that asked one drive more", store.hedged_reads);
    add("holdfast_store_bad_shards", "Shards found wrong or absent", store.shards_found_bad);
    add("holdfast_store_healed_shards", "Shards rebuilt and verified", store.shards_healed);
    let heal = store.heal.clone().unwrap_or_default();
    let mut set = |name, help, value: f64| gauge(registry, name, help, value);
    set("holdfast_heal_running_state", "1 while a heal runs", f64::from(store.heal.is_some()));
    set("holdfast_heal_done_blobs", "Blobs that the heal has looked at", heal.done as f64);
    set("holdfast_heal_known_blobs", "Blobs that the heal is to look at", heal.total as f64);
    set("holdfast_heal_written_bytes", "Shards that the heal has written", heal.bytes.0 as f64);
    let eta = heal.eta_s.map_or(f64::NAN, |eta| eta as f64);
    set("holdfast_heal_left_seconds", "Expected time left of the heal", eta);
    let writable = f64::from(store.geometry_now.is_some());
    set("holdfast_store_writable_state", "1 while writes are possible", writable);
}

fn redundancy(registry: &mut Registry, status: &Status) {
    let now = &status.redundancy;
    let mut set = |name, help, value: f64| gauge(registry, name, help, value);
    let complete = "1 while every blob has all its shards";
    set("holdfast_redundancy_complete_state", complete, f64::from(now.shards_complete));
    let survives = "Drives that may still be lost";
    set("holdfast_redundancy_survives_drives", survives, now.survives_drives as f64);
    let device = "1 while any one device may be lost";
    set("holdfast_redundancy_survives_device_state", device, f64::from(now.survives_a_device));
    set("holdfast_heal_queued_blobs", "Blobs that wait for a heal", now.heal_queued as f64);
}

fn drives(registry: &mut Registry, status: &Status) {
    let states = Family::<State, Number>::default();
    for state in ["online", "healing", "offline", "missing"] {
        let count = status.drives.iter().filter(|drive| drive.state == state).count();
        states.get_or_create(&State { state }).set(count as f64);
    }
    registry.register("holdfast_drives_by_state_count", "Drive slots by state", states);
    type Get = fn(&DriveRow) -> u64;
    let figures: [(&str, &str, Get); 4] = [
        ("holdfast_drive_total_bytes", "Size of the file system", |drive| drive.total),
        ("holdfast_drive_free_bytes", "Free in the file system", |drive| drive.free),
        ("holdfast_drive_used_bytes", "Live shards, headers included", |drive| drive.used),
        ("holdfast_drive_shards_count", "Live shards", |drive| drive.shards),
    ];
    let label = |drive: &DriveRow| Drive { drive: drive.no, path: drive.path.clone() };
    let open = || status.drives.iter().filter(|drive| drive.device.is_some());
    for (name, help, get) in figures {
        let family = Family::<Drive, Number>::default();
        for drive in open() {
            family.get_or_create(&label(drive)).set(get(drive) as f64);
        }
        registry.register(name, help, family);
    }
    let errors = Family::<Drive, Counter>::default();
    for drive in open() {
        errors.get_or_create(&label(drive)).inc_by(drive.errors);
    }
    registry.register("holdfast_drive_errors", "Errors since it was opened", errors);
    let traffic: [(&str, &str, Get); 2] = [
        ("holdfast_drive_read", "Read from the drive since it was opened", |drive| drive.read),
        (
            "holdfast_drive_written",
            "Written to the drive since it was opened, prepared segments included",
            |drive| drive.written,
        ),
    ];
    for (name, help, get) in traffic {
        let family = Family::<Drive, Counter>::default();
        for drive in open() {
            family.get_or_create(&label(drive)).inc_by(get(drive));
        }
        registry.register_with_unit(name, help, Unit::Bytes, family);
    }
}

fn buckets(registry: &mut Registry, status: &Status) {
    let (objects, bytes) =
        (Family::<Bucket, Number>::default(), Family::<Bucket, Number>::default());
    for usage in &status.usage {
        let label = Bucket { bucket: usage.bucket.clone() };
        objects.get_or_create(&label).set(usage.objects as f64);
        bytes.get_or_create(&label).set(usage.bytes as f64);
    }
    registry.register("holdfast_bucket_objects_count", "Objects", objects);
    registry.register("holdfast_bucket_size_bytes", "Sizes of the objects", bytes);
}

fn database(registry: &mut Registry, status: &Status) {
    let Some(database) = &status.database else { return };
    let txn = &database.txn;
    let mut set = |name, help, value: u64| gauge(registry, name, help, value as f64);
    set("holdfast_txn_epoch_number", "Epoch of the transaction node", txn.epoch.0);
    set("holdfast_txn_locks_count", "Locks held", txn.locks);
    set("holdfast_txn_waiting_count", "Requests that wait for a lock", txn.waiting);
    set("holdfast_sql_tail_bytes", "Rows in memory", database.tail_bytes);
    set("holdfast_sql_tail_keys_count", "Keys in memory", database.tail_keys);
    set("holdfast_sql_sessions_count", "MySQL sessions", database.sessions);
    let store = &database.store;
    set("holdfast_sql_unflushed_bytes", "Rows that no object holds yet", database.unflushed_bytes);
    set("holdfast_sql_objects_count", "Objects of tables and indexes", store.objects);
    set("holdfast_sql_object_size_bytes", "Their size", store.bytes);
    set("holdfast_sql_cache_bytes", "Rows of objects in memory", store.cache_bytes);
    set("holdfast_sql_flushes_count", "Flushes since the start", store.flushes);
    set("holdfast_sql_compactions_count", "Compactions since the start", store.compactions);
    set("holdfast_sql_checkpoints_count", "Checkpoints since the start", store.checkpoints);
    set("holdfast_sql_job_failures_count", "Flushes and such that failed", store.failures);
}

fn cache(registry: &mut Registry, status: &Status) {
    let Some(cache) = &status.cache else { return };
    let mut set = |name, help, value: u64| gauge(registry, name, help, value as f64);
    let serves = "1 while the cache of objects on disk serves";
    set("holdfast_cache_serving_state", serves, u64::from(cache.off.is_none()));
    set("holdfast_cache_limit_bytes", "What its files may take", cache.limit_bytes);
    set("holdfast_cache_file_bytes", "What its files take", cache.file_bytes);
    set("holdfast_cache_held_bytes", "What it holds of objects", cache.held_bytes);
    set("holdfast_cache_queued_count", "Blocks that wait to be written", cache.queued);
    set("holdfast_cache_restored_count", "Slots that were found at the start", cache.restored);
    let mut add = |name, help, value| counter(registry, name, help, value);
    add("holdfast_cache_hit_reads", "Parts of blocks that it gave", cache.hits);
    add("holdfast_cache_missed_reads", "Parts of blocks that it did not have", cache.misses);
    add("holdfast_cache_shared_reads", "Misses that waited for another's", cache.shared);
    add("holdfast_cache_hit_bytes", "What it gave", cache.hit_bytes);
    add("holdfast_cache_fetched_bytes", "What was read of the bucket", cache.fetched_bytes);
    add("holdfast_cache_written_count", "Slots written", cache.written);
    let dropped = "Blocks not written, as the queue was full";
    add("holdfast_cache_dropped_count", dropped, cache.dropped);
    add("holdfast_cache_evicted_count", "Slots that went for others", cache.evictions);
    add("holdfast_cache_corrupt_count", "Slots found torn, rotten or foreign", cache.corrupt);
    add("holdfast_cache_disk_errors", "Operations of its disk that went wrong", cache.errors);
}

fn metadata(registry: &mut Registry, status: &Status) {
    let Some(meta) = &status.meta else { return };
    let mut set = |name, help, value: f64| gauge(registry, name, help, value);
    set(
        "holdfast_meta_leader_state",
        "1 while there is a leader",
        f64::from(meta.leader.is_some()),
    );
    set("holdfast_meta_term_number", "Raft term", meta.term as f64);
    set("holdfast_meta_applied_index", "Last applied log index", meta.applied.index as f64);
    set("holdfast_meta_garbage_bodies", "Bodies that wait for the collector", meta.garbage as f64);
    set("holdfast_log_last_index", "Last accepted log record", meta.log.last.index as f64);
    set("holdfast_log_untruncated_bytes", "Untruncated log records", meta.log.bytes.0 as f64);
    type Get = fn(&holdfast_api::meta::ReplicaStatus) -> u64;
    let figures: [(&str, &str, Get); 4] = [
        ("holdfast_meta_replica_last_index", "Last log index", |one| one.last),
        ("holdfast_meta_replica_applied_index", "Last applied log index", |one| one.applied),
        ("holdfast_meta_replica_log_bytes", "Log files", |one| one.log_bytes.0),
        ("holdfast_meta_replica_store_bytes", "State machine's file", |one| one.store_bytes.0),
    ];
    for (name, help, get) in figures {
        let family = Family::<Replica, Number>::default();
        for replica in &meta.replicas {
            family.get_or_create(&Replica { replica: replica.id }).set(get(replica) as f64);
        }
        registry.register(name, help, family);
    }
}
