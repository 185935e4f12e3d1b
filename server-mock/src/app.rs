//! What all requests of one server share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::double::Double;
use crate::double::scripts::ScriptedModel;
use crate::engine::Engine;
use crate::model::DefaultModel;
use crate::seed;
use crate::state::State;
use crate::tasks::Tasks;

/// One workspace: its state, its time, its engine. Servers share nothing with each other.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) engine: Engine,
    pub(crate) tasks: Tasks,
    pub(crate) double: Double,
    /// Held while keyed work is done.
    pub(crate) keyed: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

impl App {
    pub(crate) fn new(config: Config, clock: Clock, tasks: Tasks) -> (Arc<Self>, seed::Seeded) {
        let mut state = State::new(config.seed, clock.now());
        let seeded = seed::plant(&mut state, &config, clock.now());
        let token_delay = Duration::try_from_secs_f64(config.token_delay).unwrap_or_default();
        let double = Double::new(config.seed);
        let model = ScriptedModel {
            scripts: double.scripts.clone(),
            clock: clock.clone(),
            otherwise: Arc::new(DefaultModel::new(config.seed)),
        };
        let engine = Engine {
            model: Arc::new(model),
            clock: clock.clone(),
            token_delay,
        };
        (
            Arc::new(Self {
                config,
                clock,
                engine,
                tasks,
                double,
                keyed: tokio::sync::Mutex::new(()),
                state: Mutex::new(state),
            }),
            seeded,
        )
    }

    /// The state, for as long as no await needs it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
