//! `langflow-mock`: the mock server as a program.

#![forbid(unsafe_code)]

mod cli;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use langflow_mock::wire::{ScriptServer, ScriptedReply};
use serde_json::{Map, Value};

use langflow_mock::{
    Api, Cassette, Clock, Config, Fault, Host, Langflow, MockServer, Pace, SignatureScheme,
    StartError, Validate, WebhookSchedule,
};

/// A mock of the Langflow workspace API.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a workspace until SIGTERM or Ctrl-C.
    Serve(Box<Serve>),
    /// Serve a script of raw answers, then print the requests that came, as JSON.
    Script(Script),
    #[command(flatten)]
    Control(cli::Control),
}

/// How a program that starts this one learns about it, and ends it.
#[derive(Debug, Args)]
struct Lifecycle {
    /// Print one line of JSON once the server listens, and nothing else.
    #[arg(long, env = "LANGFLOW_MOCK_READY_JSON", value_parser = FalseyValueParser::new())]
    ready_json: bool,
    /// End when the standard input ends, as it does when the parent process dies.
    #[arg(long, env = "LANGFLOW_MOCK_EXIT_WITH_PARENT", value_parser = FalseyValueParser::new())]
    exit_with_parent: bool,
}

#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on; `localhost` is 127.0.0.1 and ::1, on one port.
    #[arg(long, env = "LANGFLOW_MOCK_HOST", default_value = "127.0.0.1")]
    host: Host,
    /// Which APIs to serve: workspace, langflow (the open-source server at /api), or both.
    #[arg(
        long,
        env = "LANGFLOW_MOCK_API",
        value_delimiter = ',',
        default_value = "workspace,langflow"
    )]
    api: Vec<Api>,
    /// Which open-source Langflow to play at /api: 1.4, 1.8, 1.10 or 1.13.
    #[arg(long = "as", env = "LANGFLOW_MOCK_AS", default_value = "1.13")]
    langflow: Langflow,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "LANGFLOW_MOCK_PORT", default_value_t = 7870)]
    port: u16,
    /// Write the port into this file once the server listens.
    #[arg(long, env = "LANGFLOW_MOCK_PORT_FILE")]
    port_file: Option<PathBuf>,
    /// Let the clock stand at this moment (RFC 3339).
    #[arg(long, env = "LANGFLOW_MOCK_CLOCK", value_parser = moment)]
    clock: Option<Clock>,
    /// Arm the faults in this file: one as a JSON object, or several in a list.
    #[arg(long, env = "LANGFLOW_MOCK_FAULTS")]
    faults: Option<PathBuf>,
    /// Fixes ids, secrets and the choices of the default model.
    #[arg(long, env = "LANGFLOW_MOCK_SEED", default_value_t = 42)]
    seed: u64,
    /// Put what this JSON file has into every fresh workspace: flows, keys and webhooks, or a saved state.
    #[arg(long, env = "LANGFLOW_MOCK_SEED_FILE")]
    seed_file: Option<PathBuf>,
    /// The tenants that there are, with commas between them; any that is named if absent.
    #[arg(long, env = "LANGFLOW_MOCK_TENANTS", value_delimiter = ',')]
    tenants: Vec<String>,
    /// Milliseconds before each word of a model's answer.
    #[arg(long, env = "LANGFLOW_MOCK_TOKEN_DELAY_MS", default_value_t = 0)]
    token_delay_ms: u64,
    /// The largest request body in bytes.
    #[arg(long, env = "LANGFLOW_MOCK_MAX_BODY", default_value_t = 10 * 1024 * 1024)]
    max_body: usize,
    /// How many requests the journal keeps.
    #[arg(long, env = "LANGFLOW_MOCK_JOURNAL_MAX", default_value_t = 1_000)]
    journal_max: usize,
    /// How many bytes of each body the journal keeps.
    #[arg(long, env = "LANGFLOW_MOCK_JOURNAL_BODY_MAX", default_value_t = 64 * 1024)]
    journal_body_max: usize,
    /// Serve no live page.
    #[arg(long, env = "LANGFLOW_MOCK_NO_UI", value_parser = FalseyValueParser::new())]
    no_ui: bool,
    /// Start without flows.
    #[arg(long, env = "LANGFLOW_MOCK_EMPTY", value_parser = FalseyValueParser::new())]
    empty: bool,
    /// Ask for no keys.
    #[arg(long, env = "LANGFLOW_MOCK_NO_AUTH", value_parser = FalseyValueParser::new())]
    no_auth: bool,
    /// Neither keep nor advertise idempotency keys on runs.
    #[arg(long, env = "LANGFLOW_MOCK_NO_IDEMPOTENCY", value_parser = FalseyValueParser::new())]
    no_idempotency: bool,
    /// Refuse tweaks that fit no component, instead of noting them in the run.
    #[arg(long, env = "LANGFLOW_MOCK_STRICT_TWEAKS", value_parser = FalseyValueParser::new())]
    strict_tweaks: bool,
    /// Refuse to import flows with components that cannot be executed, and requests that are not in the
    /// cassette, instead of warning and answering without it.
    #[arg(long, env = "LANGFLOW_MOCK_STRICT", value_parser = FalseyValueParser::new())]
    strict: bool,
    /// Write what happens to the standard error: json, a line for each request and event.
    #[arg(long, env = "LANGFLOW_MOCK_LOG")]
    log: Option<Log>,
    /// What happens to requests that the document does not allow: off, warn or strict.
    #[arg(long, env = "LANGFLOW_MOCK_VALIDATE", default_value = "strict")]
    validate: Validate,
    /// How fast models speak: instant, or ttft,tps,jitter (milliseconds, tokens a second, a share).
    #[arg(long, env = "LANGFLOW_MOCK_PACE")]
    pace: Option<Pace>,
    /// What programs have to send in x-mock-token to use the control API; made up where the address
    /// is not of this machine alone.
    #[arg(long, env = "LANGFLOW_MOCK_CONTROL_TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// How deliveries to webhooks are signed: v1, v1a and stripe, with commas between them.
    #[arg(
        long,
        env = "LANGFLOW_MOCK_WEBHOOK_SIGNATURES",
        value_delimiter = ',',
        default_value = "v1"
    )]
    webhook_signatures: Vec<SignatureScheme>,
    /// When deliveries to webhooks are tried: fast, standard, svix, stripe-sandbox, or the pause before each
    /// attempt, such as 0,1s,5m.
    #[arg(long, env = "LANGFLOW_MOCK_WEBHOOK_SCHEDULE", default_value = "fast")]
    webhook_schedule: WebhookSchedule,
    /// Seconds that the receiver of a webhook has for its answer.
    #[arg(long, env = "LANGFLOW_MOCK_WEBHOOK_TIMEOUT", default_value_t = 15.0)]
    webhook_timeout: f64,
    /// Let webhooks lead to other machines.
    #[arg(long, env = "LANGFLOW_MOCK_ALLOW_NET", value_parser = FalseyValueParser::new())]
    allow_net: bool,
    /// Let web pages of these origins use the API: *, or origins with commas between them.
    #[arg(long, env = "LANGFLOW_MOCK_CORS")]
    cors: Option<String>,
    /// Play the recordings in this folder; with --record, write them there.
    #[arg(long, env = "LANGFLOW_MOCK_CASSETTE")]
    cassette: Option<PathBuf>,
    /// Ask this server for every answer and record it.
    #[arg(long, env = "LANGFLOW_MOCK_RECORD", requires = "cassette")]
    record: Option<String>,
    /// Record only what the cassette does not have.
    #[arg(long, env = "LANGFLOW_MOCK_ON_MISS", value_parser = FalseyValueParser::new(), requires = "record")]
    on_miss: bool,
    /// Fields, headers and query parameters that are neither recorded nor compared, besides keys.
    #[arg(
        long,
        env = "LANGFLOW_MOCK_REDACT",
        value_delimiter = ',',
        requires = "cassette"
    )]
    redact: Vec<String>,
    /// How many times as fast as recorded answers are played; 0 for at once.
    #[arg(long, env = "LANGFLOW_MOCK_REPLAY_SPEED", default_value_t = 1.0)]
    replay_speed: f64,
    /// Speak TLS with the certificates in this file, in PEM.
    #[arg(long, env = "LANGFLOW_MOCK_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, env = "LANGFLOW_MOCK_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Trust the certificates in this file too, in PEM, where the server itself speaks TLS: to receivers of
    /// webhooks, models, and a server that is recorded.
    #[arg(long, env = "LANGFLOW_MOCK_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Keep the workspace in this file over restarts.
    #[arg(long, env = "LANGFLOW_MOCK_STATE")]
    state: Option<PathBuf>,
    /// Ask models at this base URL (chat completions of OpenAI), such as http://127.0.0.1:11434/v1.
    #[arg(long, env = "LANGFLOW_MOCK_MODEL_URL")]
    model_url: Option<String>,
    /// The model to ask for there; that of the component if absent.
    #[arg(long, env = "LANGFLOW_MOCK_MODEL_NAME")]
    model_name: Option<String>,
    /// The key to send there; better in the environment, where no list of processes shows it.
    #[arg(long, env = "LANGFLOW_MOCK_MODEL_KEY", hide_env_values = true)]
    model_key: Option<String>,
    #[command(flatten)]
    lifecycle: Lifecycle,
}

/// How what happens is written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Log {
    /// One object a line.
    Json,
}

#[derive(Debug, Args)]
struct Script {
    /// A JSON file with a list of answers.
    #[arg(env = "LANGFLOW_MOCK_SCRIPT")]
    file: PathBuf,
    #[command(flatten)]
    lifecycle: Lifecycle,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => serve(*options).await,
        Command::Script(options) => script(options).await,
        Command::Control(control) => return command(control),
    };
    match done {
        // Not by returning: a thread may still wait for the standard input.
        Ok(()) => std::process::exit(0),
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says what a command has to say; its exit code.
fn command(control: cli::Control) -> ExitCode {
    match cli::run(control) {
        Ok((text, ok)) => {
            if !text.is_empty() {
                say(&text);
            }
            ExitCode::from(u8::from(!ok))
        }
        Err(error) => {
            say_error(&error);
            // Not the code of a bad verdict.
            ExitCode::from(2)
        }
    }
}

async fn serve(options: Serve) -> Result<(), StartError> {
    let config = Config {
        host: options.host,
        api: options.api,
        langflow: options.langflow,
        port: options.port,
        seed: options.seed,
        seed_file: options.seed_file,
        tenants: options.tenants,
        token_delay: std::time::Duration::from_millis(options.token_delay_ms).as_secs_f64(),
        max_body: options.max_body,
        journal_max: options.journal_max,
        journal_body_max: options.journal_body_max,
        ui: !options.no_ui,
        seed_flows: !options.empty,
        auth: !options.no_auth,
        idempotency: !options.no_idempotency,
        strict_tweaks: options.strict_tweaks,
        strict_import: options.strict,
        validate: options.validate,
        pace: options.pace,
        control_token: options.control_token.map(Into::into),
        webhook_signatures: options.webhook_signatures,
        webhook_schedule: options.webhook_schedule,
        webhook_timeout: options.webhook_timeout,
        allow_net: options.allow_net,
        cors: options.cors,
        cassette: options.cassette.map(|folder| Cassette {
            folder,
            record: options.record,
            on_miss: options.on_miss,
            strict: options.strict,
            redact: options.redact,
            speed: options.replay_speed,
        }),
        tls_cert: options.tls_cert,
        tls_key: options.tls_key,
        ca_file: options.ca_file,
        state: options.state,
        model_url: options.model_url,
        model_name: options.model_name,
        model_key: options.model_key.map(Into::into),
        ..Config::default()
    };
    let ended = end(options.lifecycle.exit_with_parent)?;
    let faults = options.faults.as_deref().map(faults).transpose()?;
    let clock = options.clock.unwrap_or_default();
    let builder = MockServer::builder().config(config).clock(clock);
    let server = builder.start().await?;
    for fault in faults.into_iter().flatten() {
        let armed = server.fault(Fault::of(fault));
        armed.map_err(|refused| StartError::Fault(refused.to_string()))?;
    }
    if let Some(path) = options.port_file {
        let written = std::fs::write(&path, server.address().port().to_string());
        written.map_err(|source| StartError::File { path, source })?;
    }
    if let Some(Log::Json) = options.log {
        server.log(|line| {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }
    if options.lifecycle.ready_json {
        say(&server.ready_json().to_string());
    } else {
        say(&welcome(&server));
    }
    ended.await;
    Ok(())
}

/// A clock that stands.
fn moment(text: &str) -> Result<Clock, String> {
    let moment = text.parse();
    moment
        .map(Clock::frozen)
        .map_err(|_| "it has to be a moment such as 2026-01-01T00:00:00Z".to_owned())
}

/// The faults in a file.
fn faults(path: &Path) -> Result<Vec<Map<String, Value>>, StartError> {
    let text = std::fs::read_to_string(path).map_err(|source| StartError::File {
        path: path.to_owned(),
        source,
    })?;
    match serde_json::from_str(&text)? {
        Value::Object(fault) => Ok(vec![fault]),
        list => Ok(serde_json::from_value(list)?),
    }
}

async fn script(options: Script) -> Result<(), StartError> {
    let path = options.file;
    let text = std::fs::read_to_string(&path).map_err(|source| StartError::File {
        path: path.clone(),
        source,
    })?;
    let script: Vec<ScriptedReply> = serde_json::from_str(&text)?;
    let ended = end(options.lifecycle.exit_with_parent)?;
    let server = ScriptServer::start(script)?;
    if options.lifecycle.ready_json {
        say(&serde_json::json!({"url": server.url(), "pid": std::process::id()}).to_string());
    } else {
        say(&format!("Playing {} on {}", path.display(), server.url()));
    }
    ended.await;
    say(&serde_json::to_string(&server.requests())?);
    Ok(())
}

/// Completes when it is time to go. The signals are caught before the server says that it is
/// ready, so that none is lost.
fn end(with_parent: bool) -> std::io::Result<impl Future<Output = ()>> {
    let (gone, parent) = tokio::sync::oneshot::channel::<()>();
    if with_parent {
        std::thread::Builder::new()
            .name("parent".to_owned())
            .spawn(move || {
                let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
                drop(gone);
            })?;
    }
    let signals = signals()?;
    Ok(async move {
        tokio::select! {
            () = signals => {}
            _ = parent, if with_parent => {}
        }
    })
}

#[cfg(unix)]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn welcome(server: &MockServer) -> String {
    let mut lines = vec![
        format!("Langflow mock on {}", server.url()),
        format!("  key    {}", server.api_key()),
    ];
    if let Some(token) = server.control_token() {
        lines.push(format!(
            "  token  {token}  (of the control API: x-mock-token)"
        ));
    }
    for (name, id) in server.flow_ids() {
        lines.push(format!("  flow   {id:<14} {name}"));
    }
    lines.push(format!(
        "  try    curl -X POST {}/langflow/api/v1/flows/hello-flow/run -H 'Authorization: Bearer {}' \
         -d '{{\"input_value\": \"Hello, how are you?\"}}'",
        server.url(),
        server.api_key()
    ));
    lines.join("\n")
}

fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // Nobody may be listening any more; the server goes on.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn say_error(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "langflow-mock: {text}");
}
