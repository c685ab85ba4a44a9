//! The server's life: everything wired, run until told to stop, closed in order.

use std::sync::Arc;
use std::time::Duration;

use holdfast_api::meta::{MetaError, MetaService, Query};
use holdfast_api::object::ObjectStore;
use holdfast_ec::object::{Config as StoreConfig, Store};
use holdfast_ec::shard::World as EcWorld;
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::net::{Net, TcpNet};
use holdfast_meta::{Meta, MetaConfig};
use hyper::service::service_fn;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::banner::Banner;
use super::cache::CacheGround;
use super::credentials::{self, Credentials, Origin};
use super::data_dir::DataDirectory;
use super::drives::{Fleet, FleetConfig, supervise};
use super::endpoint::Endpoint;
use super::error::StartError;
use super::reserve::{Guarded, Reserve};
use super::signals::watch_signals;
use super::{Ground, World, database::Database, logs, metadata};
use crate::admin::{self, Admin, Facts, Running, S3Metrics};
use crate::config::ServerConfig;
use crate::listen::{MysqlConfig, MysqlPort, Phase, Port, PortConfig, acceptor, server_config};
use crate::s3::{Front, FrontConfig, Keys};
use crate::vault::{Age, Vault};

/// How long the store and the metadata may each take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);
/// How often the metadata is asked whether it still runs.
const METADATA_EVERY: Duration = Duration::from_secs(2);

/// After how long, and then how often, a start that is not ready says what it does.
const START_EVERY: Duration = Duration::from_secs(10);

/// Where S3, admin and MySQL listen.
type Addresses = (std::net::SocketAddr, std::net::SocketAddr, Option<std::net::SocketAddr>);

/// Runs a server until it is told to stop; its large queries on a runtime of their own.
///
/// # Errors
/// [`StartError`], one line (R1, R2).
pub async fn run(config: ServerConfig, queries: Handle) -> Result<(), StartError> {
    logs::begin(&config)?;
    tracing::info!("holdfast {} starts: {config}", crate::version::FULL);
    let world = World::system(queries);
    let data = Arc::new(DataDirectory::open(&config.data)?);
    let (root, origin) = credentials::find_or_generate(data.path(), &*world.rng)?;
    credentials::check_exposed(&root, "s3", config.s3)?;
    credentials::check_exposed(&root, "admin", config.admin)?;
    if let Some(address) = config.mysql {
        credentials::check_exposed(&root, "mysql", address)?;
    }
    let cache = CacheGround::find(&config)?;
    let ports = Ports::bind(&config, &world).await?;
    let (phase, _) = watch::channel(Phase::Run);
    let mut tasks = Tasks::new(phase.clone());

    let s3_metrics = Arc::new(S3Metrics::default());
    let state = Arc::new(Admin::new(&root, world.clock.clone(), Arc::clone(&s3_metrics)));
    let admin_address = ports.admin.address();
    let router = TowerToHyperService::new(admin::router(Arc::clone(&state)));
    tasks.spawn("the admin port", ports.admin.serve(router, phase.subscribe()));
    let signals = watch_signals(phase.clone(), config.shutdown_grace, world.clock.clone());
    tasks.spawn("signal handling", async move {
        if let Err(error) = signals.await {
            tracing::error!("signals: {error}");
        }
    });

    let starting = watch_start(Arc::clone(&state), world.clock.clone(), phase.subscribe());
    tasks.spawn("the watch over the start", starting);

    let begun = Services::start(&config, &world, Arc::clone(&data), &state);
    let services = tokio::select! {
        biased;
        services = begun => services?,
        ended = tasks.first() => return ended,
    };
    tasks.spawn("the drive supervisor", supervise(Arc::clone(&services.fleet), phase.subscribe()));

    let mut stop = phase.subscribe();
    let reserve = Arc::clone(&services.reserve).run();
    tasks.spawn("the metadata's reserve", async move {
        tokio::select! {
            biased;
            _ = stop.wait_for(|phase| *phase != Phase::Run) => {}
            () = reserve => {}
        }
    });
    let watch = watch_metadata(services.meta(), world.clock.clone(), phase.subscribe());
    tasks.spawn("the metadata", watch);

    state.doing("reading the access keys");
    let keys = Arc::new(Keys::new(root.user.clone(), root.password.expose()));
    let known = admin::refresh_keys(&*services.meta(), &services.vault, &keys).await;
    let known = known.map_err(|error| StartError::Metadata(error.to_string()))?;
    let front = services.front(&config, &world, (Arc::clone(&keys), s3_metrics))?;
    let s3_address = ports.s3.address();
    let mysql_address = ports.mysql.as_ref().map(MysqlPort::address);
    let database = match ports.mysql {
        Some(port) => {
            let database = {
                let service = (services.meta(), services.store.clone() as Arc<dyn ObjectStore>);
                let given = (root.password.expose(), cache);
                let doing = |what| state.doing(what);
                Database::start(&services.meta, service, &world, (given, &doing)).await?
            };
            let serve = port.serve(database.engine(), phase.subscribe());
            tasks.spawn("the MySQL port", serve);
            Some(database)
        }
        None => None,
    };
    let facts = services.facts(&config, data.path(), (s3_address, admin_address, mysql_address));
    let engine = database.as_ref().map(Database::engine);
    let secrets = (Arc::clone(&services.vault), keys);
    let sql = (engine, database.as_ref().and_then(Database::cache));
    state.run(Running::new(services.meta(), Arc::clone(&services.store), secrets, (facts, sql)));
    let serve = service_fn(move |request| front.call(request));
    tasks.spawn("the S3 port", ports.s3.serve(serve, phase.subscribe()));
    let tls_cert = config.tls.as_ref().map(|tls| tls.cert.clone());
    let pid = std::process::id();
    let endpoint =
        Endpoint { admin: admin_address, s3: s3_address, mysql: mysql_address, tls_cert, pid };
    endpoint.keep(data.path())?;
    let mysql = mysql_address.map_or("off".to_owned(), |address| address.to_string());
    tracing::info!(s3 = %s3_address, admin = %admin_address, %mysql, access_keys = known, "ready");
    show_banner(&state, (&root, &origin), &data).await;

    let ended = tasks.first().await;
    phase
        .send_if_modified(|phase| std::mem::replace(phase, Phase::Drain.max(*phase)) == Phase::Run);
    tasks.rest().await;
    if let Some(database) = database {
        database.close().await;
    }
    services.close(&world).await;
    tracing::info!("stopped");
    ended
}

async fn show_banner(state: &Admin, root: (&Credentials, &Origin), data: &DataDirectory) {
    if let Some(status) = state.status().await {
        for line in &status.warnings {
            tracing::warn!("{line}");
        }
        let (credentials, origin) = root;
        Banner { credentials, origin, data: data.path(), status: &status }.show();
    }
}

/// Both ports, bound before anything else is touched.
struct Ports {
    s3: Port,
    admin: Port,
    mysql: Option<MysqlPort>,
}

impl Ports {
    async fn bind(config: &ServerConfig, world: &World) -> Result<Self, StartError> {
        let tls = config.tls.as_ref().map(acceptor).transpose()?;
        let port = |name| PortConfig {
            name,
            tls: tls.clone(),
            connections_max: config.connections_max,
            idle: config.idle,
            clock: world.clock.clone(),
        };
        let net: &dyn Net = &TcpNet;
        let s3 = Port::bind(net, config.s3, port("s3")).await?;
        let admin = Port::bind(net, config.admin, port("admin")).await?;
        let mysql = match config.mysql {
            Some(address) => {
                Some(MysqlPort::bind(net, address, mysql_config(config, world)?).await?)
            }
            None => None,
        };
        Ok(Self { s3, admin, mysql })
    }
}

fn mysql_config(config: &ServerConfig, world: &World) -> Result<MysqlConfig, StartError> {
    Ok(MysqlConfig {
        tls: config.tls.as_ref().map(server_config).transpose()?.map(Arc::new),
        connections_max: config.connections_max,
        clock: world.clock.clone(),
        rng: world.rng.clone(),
    })
}

/// What is behind the ports.
struct Services {
    meta: Arc<Meta>,
    /// The same, refusing what there is no room for.
    guarded: Arc<dyn MetaService>,
    reserve: Arc<Reserve>,
    store: Arc<Store>,
    fleet: Arc<Fleet>,
    vault: Arc<Vault>,
    cluster: super::data_dir::Cluster,
}

impl Services {
    async fn start(
        config: &ServerConfig,
        world: &World,
        data: Arc<DataDirectory>,
        state: &Admin,
    ) -> Result<Self, StartError> {
        state.doing("looking at the drives");
        let age = if data.cluster()?.is_some() { Age::Old } else { Age::New };
        let vault = Arc::new(Vault::open(data.path(), age, &*world.rng)?);
        let ground = Ground::find(data, config, world).await?;
        state.doing("opening the metadata");
        let drives = metadata::Drives::default();
        let clock = world.clock.clone();
        let reserve = Reserve::open(&ground.cluster.meta, Arc::clone(&drives), clock).await;
        let meta = open_metadata(&ground, world, &drives).await?;
        let guarded = Guarded::new(meta.clone(), Arc::clone(&reserve));
        let guarded: Arc<dyn MetaService> = Arc::new(guarded);
        state.doing("opening the drives");
        let service = Arc::clone(&guarded);
        let store_config = StoreConfig::new(ground.cluster.geometry);
        let store = Arc::new(Store::new(store_config, world.clock.clone(), service.clone()));
        let fleet = FleetConfig {
            world: EcWorld { clock: world.clock.clone(), rng: world.rng.clone() },
            backend: ground.backend,
            meta: service,
            store: Arc::clone(&store),
            lenient: config.degraded,
        };
        let cluster = ground.cluster.clone();
        let fleet = Arc::new(Fleet::new(fleet, ground.data, ground.paths, ground.cluster));
        fleet.start(ground.looked).await?;
        // Set once: from now on a lost voter may be made anew on a drive that is there.
        let _ = drives.set(Arc::downgrade(&fleet));
        store.run();
        Ok(Self { meta, guarded, reserve, store, fleet, vault, cluster })
    }

    fn meta(&self) -> Arc<dyn MetaService> {
        Arc::clone(&self.guarded)
    }

    fn front(
        &self,
        config: &ServerConfig,
        world: &World,
        (keys, metrics): (Arc<Keys>, Arc<S3Metrics>),
    ) -> Result<Front, StartError> {
        let front = Front::new(FrontConfig {
            meta: self.meta(),
            store: self.store.clone(),
            clock: world.clock.clone(),
            rng: world.rng.clone(),
            keys,
            region: config.region.clone(),
            domains: config.domains.clone(),
            observer: Arc::new(move |served| metrics.count(served)),
        });
        front.map_err(|bad| {
            StartError::Config(crate::config::ConfigError::Value {
                name: "domain",
                value: bad.0.clone(),
                what: bad.to_string(),
            })
        })
    }

    fn facts(
        &self,
        config: &ServerConfig,
        data: &std::path::Path,
        (s3, admin, mysql): Addresses,
    ) -> Facts {
        Facts {
            cluster: self.cluster.cluster,
            node: self.cluster.node,
            s3,
            admin,
            mysql,
            tls: config.tls.is_some(),
            data: data.to_owned(),
            region: config.region.clone(),
            io_fallback: self.fleet.fallback(),
            parity: self.cluster.geometry.m(),
        }
    }

    /// Store, drives, metadata, in this order: nothing is closed under somebody who uses it.
    async fn close(&self, world: &World) {
        let within = async |what: &str, work: holdfast_io::BoxFuture<'_, ()>| {
            if deadline(&world.clock, CLOSE_LIMIT, work).await.is_err() {
                tracing::warn!("{what} took too long to close; nothing acknowledged is lost");
            }
        };
        within("the store", Box::pin(self.store.shutdown())).await;
        within("the drives", Box::pin(self.fleet.close())).await;
        within("the metadata", Box::pin(self.meta.shutdown())).await;
    }
}

async fn open_metadata(
    ground: &Ground,
    world: &World,
    drives: &metadata::Drives,
) -> Result<Arc<Meta>, StartError> {
    let place = |path: &std::path::PathBuf| {
        metadata::place(path.clone(), ground.backend, Arc::clone(drives))
    };
    let places = ground.cluster.meta.iter().map(place).collect();
    let (clock, rng) = (world.clock.clone(), world.rng.clone());
    let config = MetaConfig::over(places, ground.cluster.cluster, clock, rng);
    Meta::open(config).await.map_err(|error| StartError::Metadata(error.to_string()))
}

/// Says what a long start does: what it waits for is in no other line yet.
async fn watch_start(state: Arc<Admin>, clock: Arc<dyn Clock>, mut phase: watch::Receiver<Phase>) {
    let begun = clock.monotonic();
    let said = async {
        loop {
            clock.sleep(START_EVERY).await;
            let Err(doing) = state.running() else { return };
            let seconds = (clock.monotonic() - begun).as_secs();
            tracing::warn!("not ready after {seconds} s: {doing}");
        }
    };
    tokio::select! {
        biased;
        _ = phase.wait_for(|phase| *phase != Phase::Run) => return,
        () = said => {}
    }
    let _ = phase.wait_for(|phase| *phase != Phase::Run).await;
}

/// Ends when the metadata has fenced itself: a restart may heal that, waiting does not.
async fn watch_metadata(
    meta: Arc<dyn MetaService>,
    clock: Arc<dyn Clock>,
    mut phase: watch::Receiver<Phase>,
) {
    loop {
        tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase != Phase::Run) => return,
            () = clock.sleep(METADATA_EVERY) => {}
        }
        if let Err(MetaError::Stopped(why)) = meta.query(Query::LogBounds).await
            && *phase.borrow() == Phase::Run
        {
            tracing::error!("the metadata stopped: {why}");
            return;
        }
    }
}

/// The core tasks (R2).
struct Tasks {
    set: JoinSet<(&'static str, Result<(), String>)>,
    phase: watch::Sender<Phase>,
}

impl Tasks {
    fn new(phase: watch::Sender<Phase>) -> Self {
        Self { set: JoinSet::new(), phase }
    }

    fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            // A panic must not lose the name: it is caught where the name is known.
            let caught = std::panic::AssertUnwindSafe(work);
            let ended = futures_util::FutureExt::catch_unwind(caught).await;
            (name, ended.map_err(|_| "it panicked".to_string()))
        });
    }

    /// Waits for the first to end: an error unless the server was told to stop.
    async fn first(&mut self) -> Result<(), StartError> {
        let Some(ended) = self.set.join_next().await else { return Ok(()) };
        let (task, what) = match ended {
            Ok((task, Ok(()))) => (task, "it ended by itself".to_string()),
            Ok((task, Err(what))) => (task, what),
            Err(error) => ("a core task", error.to_string()),
        };
        if *self.phase.borrow() == Phase::Run {
            return Err(StartError::CoreEnded { task, what });
        }
        Ok(())
    }

    /// Waits for all others; they end as the phase says.
    async fn rest(&mut self) {
        while !self.set.is_empty() {
            // The signal watcher alone has nothing to drain.
            if self.set.len() == 1 {
                self.phase.send_replace(Phase::Now);
                self.set.abort_all();
            }
            let _ = self.set.join_next().await;
        }
    }
}
