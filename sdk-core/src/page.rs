//! What a page says of its list: where it stands in it, and whether the list goes on.

use serde_json::{Value, json};

use crate::boundary::{Args, Compute};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};

/// A page as it was asked for and as it came. What its server does not say is null.
#[derive(Debug, Default)]
pub(crate) struct Come {
    /// What answered.
    pub(crate) operation: String,
    /// The number that was asked for.
    pub(crate) asked: u64,
    /// Items on it.
    pub(crate) count: u64,
    /// Whether the page before it said that there is this one.
    pub(crate) follows: bool,
    /// Items on the pages before it, if it was reached through all of them.
    pub(crate) before: Option<u64>,
    pub(crate) page: Value,
    pub(crate) size: Value,
    pub(crate) pages: Value,
    pub(crate) total: Value,
}

/// Where a page stands.
#[derive(Debug)]
pub(crate) struct Figures {
    page: u64,
    size: u64,
    pages: u64,
    total: u64,
    /// The page to ask for next.
    pub(crate) next: Option<u64>,
    /// Why the list must not look whole, where it ends here.
    pub(crate) short: Option<LangflowError>,
}

impl Come {
    /// # Errors
    /// `invalid_response` where the figures are none, or the server does not turn pages.
    pub(crate) fn figures(&self) -> Result<Figures, LangflowError> {
        let page = self.number("page", &self.page)?.unwrap_or(self.asked);
        let size = self.number("size", &self.size)?;
        let total = self.number("total", &self.total)?;
        // Who does not say how many pages there are says it by how many items.
        let pages = match (self.number("pages", &self.pages)?, total) {
            (Some(pages), _) => pages,
            (None, Some(total)) => total.div_ceil(size.unwrap_or(self.count).max(1)),
            (None, None) => page,
        };
        if self.follows && page != self.asked {
            return Err(self.refused(&format!(
                "page {page} where page {} was asked for: its list does not go on",
                self.asked
            )));
        }
        let seen = self.before.map(|before| before + self.count);
        // An empty page in the middle is no end: only the number of pages is.
        let next = (page < pages).then_some(page + 1);
        let short = match (seen, total, next) {
            (Some(seen), Some(total), None) if seen < total => Some(self.refused(&format!(
                "pages that end after {seen} of {total} items: the list is not whole"
            ))),
            _ => None,
        };
        Ok(Figures {
            page,
            size: size.unwrap_or(self.count),
            pages,
            total: total.unwrap_or(self.count),
            next,
            short,
        })
    }

    fn number(&self, name: &str, value: &Value) -> Result<Option<u64>, LangflowError> {
        match value {
            Value::Null => Ok(None),
            value => value
                .as_u64()
                .ok_or_else(|| self.refused(&format!("with a page whose `{name}` is {value:.40}")))
                .map(Some),
        }
    }

    fn refused(&self, what: &str) -> LangflowError {
        let with = if what.starts_with("with") {
            ""
        } else {
            "with "
        };
        let message = format!("The server answered {} {with}{what}.", self.operation);
        let mut info = ErrorInfo::new(ErrorCode::InvalidResponse, message);
        info.attempts = 1;
        info.status = Some(200);
        info.into()
    }
}

/// `page.figures {operation, asked, count, follows?, before?, page?, size?, pages?, total?, ended?}`
/// answers with `{page, size, pages, total, next, short}`: `next` is the page to ask for, `short` says that the list
/// ends here although items are missing. Whoever has come to that end asks again, with `ended`, and gets
/// the error that it is.
pub(crate) const COMPUTE: &[Compute] = &[Compute {
    name: "page.figures",
    run: |mut args, _| {
        let come = Come {
            operation: args.need_text("operation")?,
            asked: whole(&mut args, "asked")?.unwrap_or(1),
            count: whole(&mut args, "count")?.unwrap_or_default(),
            follows: args.take("follows").is_some_and(|value| value == true),
            before: whole(&mut args, "before")?,
            page: args.take("page").unwrap_or_default(),
            size: args.take("size").unwrap_or_default(),
            pages: args.take("pages").unwrap_or_default(),
            total: args.take("total").unwrap_or_default(),
        };
        let ended = args.take("ended").is_some();
        args.done()?;
        let Figures {
            page,
            size,
            pages,
            total,
            next,
            short,
        } = come.figures()?;
        match short {
            Some(error) if ended => Err(error),
            short => Ok(json!({
                "page": page, "size": size, "pages": pages, "total": total, "next": next,
                "short": short.is_some(),
            })),
        }
    },
}];

fn whole(args: &mut Args, name: &str) -> Result<Option<u64>, LangflowError> {
    match args.take(name) {
        None => Ok(None),
        Some(value) => crate::options::count(name, &value).map(|count| Some(count as u64)),
    }
}
