//! What bindings may ask of a job by name.

use serde_json::{Value, json};

use super::Job;
use crate::boundary::{Args, Entry, Invoked};
use crate::client::Client;
use crate::options;
use crate::platform;
use crate::run::RunRequest;

/// `job.start` takes the fields of a run and answers with `{job_id}`. All others take `job_id`:
/// `job.info` answers with a [`super::JobInfo`], `job.wait` (`timeout`, seconds) with a result,
/// `job.cancel` with `{cancelled}`, `job.resume` (`action_id`) with `{}`.
pub(crate) const INVOKE: &[Entry] = &[
    Entry {
        name: "job.start",
        run: start,
    },
    Entry {
        name: "job.info",
        run: |client, args| with_job(client, args, Ask::Info),
    },
    Entry {
        name: "job.wait",
        run: |client, args| with_job(client, args, Ask::Wait),
    },
    Entry {
        name: "job.cancel",
        run: |client, args| with_job(client, args, Ask::Cancel),
    },
    Entry {
        name: "job.resume",
        run: |client, args| with_job(client, args, Ask::Resume),
    },
];

#[derive(Clone, Copy)]
enum Ask {
    Info,
    Wait,
    Cancel,
    Resume,
}

fn start(client: Client, args: Args) -> Invoked {
    platform::boxed(async move {
        let job = client.start_flow(RunRequest::from_value(args.into_value())?);
        Ok(json!({"job_id": job.await?.id()}))
    })
}

fn with_job(client: Client, mut args: Args, ask: Ask) -> Invoked {
    platform::boxed(async move {
        let job: Job = client.job(args.need_text("job_id")?);
        let timeout = args.take("timeout");
        let timeout = timeout.map(|value| options::seconds("timeout", &value));
        let timeout = timeout.transpose()?;
        let action = args.text("action_id")?;
        args.done()?;
        Ok(match ask {
            Ask::Info => json!(job.info().await?),
            Ask::Wait => job.wait(timeout).await?.to_json(),
            Ask::Cancel => json!({"cancelled": job.cancel().await?}),
            Ask::Resume => {
                job.resume(&action.unwrap_or_default()).await?;
                Value::Object(Default::default())
            }
        })
    })
}
