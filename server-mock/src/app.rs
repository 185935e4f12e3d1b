//! What all requests of one server share.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;

#[cfg(feature = "program")]
use crate::cassette::Cassettes;
use crate::clock::Clock;
use crate::config::Config;
use crate::double::scripts::ScriptedModel;
use crate::double::{Double, Filter, receivers, verdict};
use crate::engine::Engine;
use crate::model::{DefaultModel, ForwardModel, Model};
use crate::outbound::Outbound;
use crate::pace::Pace;
use crate::problem::Problem;
use crate::saver::{self, Saver};
use crate::seed;
use crate::server::StartError;
use crate::state::State;
use crate::tasks::Tasks;
use crate::webhooks;

/// One workspace: its state, its time, its engine. Servers share nothing with each other.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) engine: Engine,
    pub(crate) tasks: Tasks,
    pub(crate) double: Double,
    pub(crate) outbound: Arc<Outbound>,
    /// What the seed file adds to fresh workspaces.
    pub(crate) plants: Arc<seed::Plants>,
    /// Held while keyed work is done.
    pub(crate) keyed: tokio::sync::Mutex<()>,
    /// The main workspace, where this is a tenant's.
    pub(crate) main: Option<Arc<App>>,
    /// Recordings that are made or played; tenants share those of the main workspace.
    #[cfg(feature = "program")]
    pub(crate) cassettes: Option<Arc<Cassettes>>,
    /// Keeps the state in a file, if it shall be kept.
    pub(crate) saver: Option<Saver>,
    state: Mutex<State>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither state nor journal: both hold what nobody wants in a log.
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(
        config: Config,
        clock: Clock,
        tasks: Tasks,
        main: Option<Arc<App>>,
    ) -> Result<(Arc<Self>, seed::Seeded), StartError> {
        let plants = match &main {
            Some(main) => Arc::clone(&main.plants),
            None => Arc::new(seed::read(&config).map_err(StartError::SeedFile)?),
        };
        let (state, seeded) = begin(&config, &plants, clock.now())?;
        let saver = config.state.clone().map(Saver::new);
        let even = Pace::even(config.token_delay);
        let double = Double::new(&config);
        let outbound = match &main {
            Some(main) => Arc::clone(&main.outbound),
            None => Arc::new(Outbound::new(&config).map_err(StartError::Tls)?),
        };
        let otherwise: Arc<dyn Model> = match &config.model_url {
            Some(url) => {
                let (name, key) = (config.model_name.clone(), config.model_key.clone());
                Arc::new(
                    ForwardModel::new(url, name, key, &outbound).map_err(StartError::ModelUrl)?,
                )
            }
            None => Arc::new(DefaultModel::new(config.seed)),
        };
        let model = ScriptedModel {
            scripts: double.scripts.clone(),
            clock: clock.clone(),
            otherwise,
        };
        let engine = Engine {
            model: Arc::new(model),
            clock: clock.clone(),
            pace: config.pace.clone().unwrap_or(even),
        };
        #[cfg(feature = "program")]
        let cassettes = match (&main, config.cassette.clone()) {
            (Some(main), _) => main.cassettes.clone(),
            (None, Some(cassette)) => {
                let opened = Cassettes::open(cassette, &outbound).map_err(StartError::Cassette)?;
                Some(Arc::new(opened))
            }
            (None, None) => None,
        };
        let app = Arc::new(Self {
            #[cfg(feature = "program")]
            cassettes,
            config,
            clock,
            engine,
            tasks,
            double,
            outbound,
            plants,
            main,
            keyed: tokio::sync::Mutex::new(()),
            saver,
            state: Mutex::new(state),
        });
        if app.saver.is_some() {
            app.tasks.spawn(Saver::work(app.clone()));
            webhooks::resume(&app);
        }
        Ok((app, seeded))
    }

    /// Waits until everything that has happened is in the file of the state, if there is one.
    pub(crate) async fn saved(&self) -> Result<(), Problem> {
        match &self.saver {
            Some(saver) => saver.saved().await,
            None => Ok(()),
        }
    }

    /// What the requests that fit, and all deliveries, say of whoever sent and received them.
    pub(crate) fn verdict(&self, filter: &Filter, manner: &verdict::Manner) -> Value {
        let (entries, forgotten) = self.double.journal.find(filter);
        let received = receivers::judge(self.state().deliveries.all());
        let now = verdict::Now {
            elapsed: self.double.journal.elapsed(),
            at: self.clock.now(),
        };
        verdict::json(&entries, received, forgotten, manner, now)
    }

    /// The state, for as long as no await needs it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workspace that was saved, or a fresh one.
fn begin(
    config: &Config,
    plants: &seed::Plants,
    now: DateTime<Utc>,
) -> Result<(State, seed::Seeded), StartError> {
    let (mut state, mut seeded) = seed::begin(config.seed, config, plants, now);
    let Some(path) = &config.state else {
        return Ok((state, seeded));
    };
    if let Some(saved) = read(path, now)? {
        seeded = seed::again(&saved, config, plants, now);
        state = saved;
    }
    let file = |source| StartError::File {
        path: path.clone(),
        source,
    };
    let text = state.save().map_err(|error| file(error.into()))?;
    saver::replace(path, &text).map_err(file)?;
    Ok((state, seeded))
}

fn read(path: &Path, now: DateTime<Utc>) -> Result<Option<State>, StartError> {
    let file = |source| StartError::File {
        path: path.to_owned(),
        source,
    };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let state = State::load(&text, now);
            Ok(Some(state.map_err(|error| file(error.into()))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file(error)),
    }
}
