//! A run in the background: started, asked after, followed and waited for, in this process or in
//! another.

pub(crate) mod asked;
mod offer;
mod start;

use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use self::asked::Asked;
use crate::ask::row;
use crate::client::Client;
use crate::closed::closed;
use crate::deadline::{Deadline, seconds};
use crate::dialect::{self, v2};
use crate::error::{ErrorCode, ErrorInfo, LangflowError, Phase};
use crate::masking;
use crate::operation::Operation;
use crate::options::CallOptions;
use crate::output::Reason;
use crate::platform;
use crate::request::check_segment;
use crate::run::RunResult;
use crate::send::id;
use crate::stream::RunStream;
use crate::wording::sentence;

pub(crate) use offer::INVOKE;
pub use start::Form;

/// A job is not asked again where less than this is left.
const LAST: Duration = Duration::from_millis(50);

/// The first and the longest wait between two questions for a job's state.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// Characters after which workflows cut the text of an output, and what stands in place of the rest.
const CUT: (usize, &str) = (6000, "...");
/// What a workflow says that failed outside its components.
const SAYS_NOTHING: &str = "has failed execution";

/// A run in the background. It goes on at the server whatever becomes of this object: its id is all
/// that another process needs to wait for it.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// use langflow_client::RunRequest;
///
/// let job = client.start_flow(RunRequest::new("your-flow-id", "A long report, please.")).await?;
/// println!("{}", job.id());
/// // Later, here or elsewhere:
/// let result = client.job(job.id()).wait(None).await?;
/// println!("{}", result.output);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Job {
    client: Client,
    id: String,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobStatus {
    /// It has not begun.
    Queued,
    /// It runs.
    Running,
    /// It waits for the decision of a person; see [`Job::resume`].
    Suspended,
    /// It is over, and there is a result.
    Completed,
    /// It is over, with an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
        )
    }
}

/// What the server knows of a job.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct JobInfo {
    /// Id of the job.
    pub id: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Id of the flow, where the server says it.
    pub flow_id: Option<String>,
    /// Id of the session, where the server says it.
    pub session_id: Option<String>,
    /// What it waits for, where it is suspended: `request_id`, `prompt`, `options` and more, as the
    /// server sent it.
    pub human_request: Option<Value>,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// The answer as the server sent it.
    pub raw: Value,
}

impl Client {
    /// The job of this id, started here or elsewhere. Nothing is sent.
    pub fn job(&self, id: impl Into<String>) -> Job {
        Job {
            client: self.clone(),
            id: id.into(),
        }
    }
}

impl Job {
    /// Id of the job; keep it to come back to the job later.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands now. A job that failed is no error here: `status` and `error` say so.
    ///
    /// # Errors
    /// As every call; `not_found` where the server does not know it.
    pub async fn info(&self) -> Result<JobInfo, LangflowError> {
        let open_source = self.client.is_open_source();
        match self.info_on(open_source).await {
            Err(error) if !open_source && self.client.turned_out(&error) => {
                self.info_on(true).await
            }
            outcome => outcome,
        }
        .map_err(goes_on)
    }

    /// Waits until it is over, at most for `timeout`, without end if that is absent. A suspended job
    /// answers too, with the reason `suspended`.
    ///
    /// # Errors
    /// `run_failed` with what the component said, `cancelled` where somebody stopped it,
    /// `total_timeout` where it is not over yet: it goes on, and can be waited for again.
    pub async fn wait(&self, timeout: Option<Duration>) -> Result<RunResult, LangflowError> {
        let deadline = Deadline::new(timeout);
        let (mut delay, longest) = WAITS;
        loop {
            let asking = platform::within(deadline.left(), self.info());
            let info = match asking.await {
                Some(info) => info?,
                None => return Err(self.not_over(timeout)),
            };
            match info.status {
                JobStatus::Completed => return self.result(info).await,
                JobStatus::Suspended => return self.read(info.raw),
                JobStatus::Cancelled => return Err(dialect::cancelled(Some(&self.id))),
                JobStatus::Failed => return Err(self.failed(info).await),
                JobStatus::Queued | JobStatus::Running => {}
            }
            // The last waits are shorter, so that what ends in them is still seen.
            let left = deadline.left().unwrap_or(delay * 2);
            if left < LAST {
                return Err(self.not_over(timeout));
            }
            let waiting = pin!(platform::sleep(delay.min(left.mul_f64(0.8))));
            let waited = self.client.closed.unless(waiting);
            waited.await.ok_or_else(|| closed(true))?;
            delay = (delay * 3 / 2).min(longest);
        }
    }

    /// Its events from the beginning, or after the one of this id, up to its end. Letting go of them
    /// does not stop the job.
    ///
    /// # Errors
    /// As every call; how the run ended is an item of the stream.
    pub async fn events(&self, last_event_id: Option<&str>) -> Result<RunStream, LangflowError> {
        self.follow(last_event_id, CallOptions::default()).await
    }

    /// As [`Job::events`], with options of the call.
    pub(crate) async fn follow(
        &self,
        last_event_id: Option<&str>,
        options: CallOptions,
    ) -> Result<RunStream, LangflowError> {
        let open_source = self.client.is_open_source();
        let followed = self.events_on(open_source, last_event_id, options.clone());
        match followed.await {
            Err(error) if !open_source && self.client.turned_out(&error) => {
                self.events_on(true, last_event_id, options).await
            }
            outcome => outcome,
        }
        .map_err(goes_on)
    }

    /// Stops it. False where it was over already.
    ///
    /// # Errors
    /// As every call; `not_found` where the server does not know it.
    pub async fn cancel(&self) -> Result<bool, LangflowError> {
        let open_source = self.client.is_open_source();
        match self.cancel_on(open_source).await {
            Err(error) if !open_source && self.client.turned_out(&error) => {
                self.cancel_on(true).await
            }
            outcome => outcome,
        }
        .map_err(goes_on)
    }

    /// Answers what a suspended job waits for, by the id of the action: one of the `options` of
    /// [`JobInfo::human_request`].
    ///
    /// # Errors
    /// `conflict` where it waits for nothing, `unprocessable` where there is no such action,
    /// `unsupported` where the server knows no suspended jobs.
    pub async fn resume(&self, action_id: &str) -> Result<(), LangflowError> {
        present("action_id", action_id)?;
        let info = self.info().await?;
        if !self.client.is_open_source() {
            return Err(LangflowError::new(
                ErrorCode::Unsupported,
                "Jobs of the workspace API are never suspended, so there is nothing to resume.",
            ));
        }
        let request = info.human_request.as_ref();
        let request_id = request.and_then(|request| request.get("request_id")?.as_str());
        let Some(request_id) = request_id else {
            let message = format!("The job {} waits for nothing.", self.id);
            return Err(LangflowError::new(ErrorCode::Conflict, message));
        };
        let body = json!({"request_id": request_id, "decision": {"action_id": action_id}});
        let asked = Asked::of(&v2::RESUME, [("job_id", &self.id)], Some(body));
        self.client.asked(asked).await.map(drop)
    }

    async fn info_on(&self, open_source: bool) -> Result<JobInfo, LangflowError> {
        check_segment("job_id", &self.id)?;
        if !open_source {
            let asked = Asked::of(row("getRun")?, [("run_id", &self.id)], None);
            return self.client.asked_for(asked, |raw| self.known(raw)).await;
        }
        let asked = Asked::of(&v2::STATUS, [("job_id", &self.id)], None);
        let known = self.client.asked_for(asked, |raw| self.known(raw));
        match known.await {
            Ok(mut info) => {
                if info.status == JobStatus::Suspended {
                    info.human_request = self.pending(&info).await?;
                }
                Ok(info)
            }
            // That a job has failed is said with an error status.
            Err(error) if error.is(ErrorCode::RunFailed) => Ok(JobInfo {
                id: self.id.clone(),
                status: JobStatus::Failed,
                flow_id: None,
                session_id: None,
                human_request: None,
                raw: Value::Null,
                error: Some(error.info().clone()),
            }),
            Err(error) => Err(error),
        }
    }

    fn known(&self, raw: Value) -> Result<JobInfo, LangflowError> {
        let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(other) = text("job_id")
            .or_else(|| text("run_id"))
            .filter(|id| *id != self.id)
        {
            let message = format!("The answer is of the job {other}, not of {}.", self.id);
            let info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
            return Err(info.with_json(&raw).into());
        }
        let status = match text("status").as_deref() {
            Some("queued") => JobStatus::Queued,
            Some("running" | "in_progress" | "resuming") => JobStatus::Running,
            Some("suspended") => JobStatus::Suspended,
            Some("completed") => JobStatus::Completed,
            Some("failed" | "error" | "timed_out") => JobStatus::Failed,
            Some("cancelled") => JobStatus::Cancelled,
            _ => {
                let message = "The answer has no known `status`, so it is no answer of a job.";
                let info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
                return Err(info.with_json(&raw).into());
            }
        };
        let error = (status == JobStatus::Failed).then(|| self.why(&raw));
        Ok(JobInfo {
            id: self.id.clone(),
            status,
            flow_id: text("flow_id"),
            session_id: text("session_id"),
            human_request: raw.get("human_request").filter(|it| !it.is_null()).cloned(),
            error,
            raw,
        })
    }

    /// Why a job failed, as the answer of 200 says it.
    fn why(&self, raw: &Value) -> ErrorInfo {
        let error = raw.get("error").unwrap_or(&Value::Null);
        let said = error
            .get("message")
            .or_else(|| raw.pointer("/errors/0/error"));
        let said = said.and_then(Value::as_str);
        let said = said.unwrap_or("the server said nothing more").trim();
        let message = sentence(&format!("The run failed: {said}"));
        let mut info = ErrorInfo::new(ErrorCode::RunFailed, message);
        info.server_code = error.get("code").and_then(Value::as_str).map(str::to_owned);
        info.may_have_executed = true;
        let mut info = info.with_json(raw);
        masking::mask(&self.client, None, &mut info);
        info
    }

    /// What a suspended job waits for.
    async fn pending(&self, info: &JobInfo) -> Result<Option<Value>, LangflowError> {
        let Some(flow_id) = &info.flow_id else {
            return Ok(None);
        };
        let asked = Asked::of(&v2::PENDING, [("flow_id", flow_id)], None);
        let all = self.client.asked(asked).await?;
        let mut all = all.as_array().into_iter().flatten();
        Ok(all.find(|one| one["job_id"] == self.id.as_str()).cloned())
    }

    async fn events_on(
        &self,
        open_source: bool,
        last_event_id: Option<&str>,
        options: CallOptions,
    ) -> Result<RunStream, LangflowError> {
        check_segment("job_id", &self.id)?;
        let mut asked = match open_source {
            true => Asked::of(&v2::EVENTS, [("job_id", &self.id)], None),
            false => Asked::of(row("streamRunEvents")?, [("run_id", &self.id)], None),
        };
        asked.options = options;
        if let Some(id) = last_event_id {
            present("last_event_id", id)?;
            asked.args.insert("Last-Event-ID".to_owned(), id.into());
        }
        let (call, request) = self.client.asking(asked, Some("text/event-stream"))?;
        let url = request.url().clone();
        let opened = self.client.open(request, &call).await?;
        RunStream::open(&self.client, call, opened, url).await
    }

    async fn cancel_on(&self, open_source: bool) -> Result<bool, LangflowError> {
        check_segment("job_id", &self.id)?;
        if !open_source {
            let asked = Asked::of(row("cancelRun")?, [("run_id", &self.id)], None);
            return match self.client.asked(asked).await {
                Ok(_) => Ok(true),
                Err(error)
                    if error.info().server_code.as_deref() == Some("run_already_finished") =>
                {
                    Ok(false)
                }
                Err(error) => Err(error),
            };
        }
        // Stopping answers the same whether there was anything to stop.
        let over = self.info_on(true).await?.status.is_final();
        if !over {
            let body = json!({"job_id": self.id});
            let asked = Asked::of(&v2::STOP, [], Some(body));
            self.client.asked(asked).await?;
        }
        Ok(!over)
    }

    /// The result of a job that is over. Where a workflow's answer may leave something out, its
    /// events say it: texts are cut there, and a component that could not be loaded is not named.
    async fn result(&self, info: JobInfo) -> Result<RunResult, LangflowError> {
        let result = self.read(info.raw)?;
        if !self.client.is_open_source() || !leaves_out(&result) {
            return Ok(result);
        }
        let told = match self.events(None).await {
            Ok(events) => events.final_result().await,
            Err(error) => Err(error),
        };
        match told {
            Ok(told) => Ok(RunResult {
                output: told.output,
                reason: told.reason,
                outputs: told.outputs,
                metadata: told.metadata,
                ..result
            }),
            Err(error) if error.is(ErrorCode::RunFailed) => Err(error),
            // What is left out is not known then; what is there is no less true.
            Err(error) => {
                tracing::warn!(
                    job = self.id,
                    code = error.code().as_str(),
                    "events not read"
                );
                Ok(result)
            }
        }
    }

    fn read(&self, raw: Value) -> Result<RunResult, LangflowError> {
        let request_id = id("req_");
        let operation: &Operation = match self.client.is_open_source() {
            true => &v2::STATUS,
            false => row("runFlow")?,
        };
        let result = dialect::result(operation, raw, &request_id, 1)?;
        self.client.shared.metrics.used(result.metadata.tokens_used);
        self.client.check_session(result)
    }

    /// Why it failed; where the answer says only that it did, in the words of its events.
    async fn failed(&self, info: JobInfo) -> LangflowError {
        let error = info.error.unwrap_or_else(|| self.why(&info.raw));
        if !error.message.contains(SAYS_NOTHING) {
            return error.into();
        }
        let told = match self.events(None).await {
            Ok(events) => events.final_result().await.err(),
            Err(_) => None,
        };
        match told {
            // One that is stopped as it begins is said to have failed.
            Some(told) if told.is(ErrorCode::RunFailed) || told.is(ErrorCode::Cancelled) => told,
            _ => error.into(),
        }
    }

    fn not_over(&self, timeout: Option<Duration>) -> LangflowError {
        let time = seconds(timeout.unwrap_or_default());
        let message = format!("The job {} was not over in {time} s.", self.id);
        let mut info = ErrorInfo::new(ErrorCode::TotalTimeout, message);
        info.hint = "The job goes on at the server: wait for it again, or cancel it.".to_owned();
        info.may_have_executed = true;
        info.into()
    }
}

/// Whether a finished workflow may have more to say than its answer.
fn leaves_out(result: &RunResult) -> bool {
    let (most, mark) = CUT;
    let cut = |text: &str| text.ends_with(mark) && text.chars().count() == most + mark.len();
    result.reason == Reason::None
        || result
            .outputs
            .values()
            .any(|output| output.value.as_str().is_some_and(cut))
}

fn present(name: &str, text: &str) -> Result<(), LangflowError> {
    match text.trim().is_empty() {
        true => {
            let message = format!("`{name}` is empty.");
            Err(LangflowError::invalid_input(name, message))
        }
        false => Ok(()),
    }
}

/// What a lost question says of the job: nothing, and it was started long ago.
fn goes_on(mut error: LangflowError) -> LangflowError {
    let lost = error.is(ErrorCode::TransportError) || error.is(ErrorCode::TimedOut);
    if lost && error.info().phase != Phase::Build {
        let info = error.info_mut();
        info.may_have_executed = true;
        info.hint =
            "The job goes on at the server, whatever becomes of this question: ask for it again, \
                     and start no other."
                .to_owned();
    }
    error
}
