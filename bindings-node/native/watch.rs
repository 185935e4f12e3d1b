//! libuv as the host of calls: its loop watches the descriptor of a [`HostLoop`] and gives turns, so
//! that a call runs on the thread of its JavaScript and costs no hop to another one and back.
//!
//! libuv's functions are looked up in the process: Node exports them. Other programs that load addons
//! have no libuv, or one that only pretends, so that JavaScript says whether this is to be tried.
#![expect(unsafe_code, reason = "libuv and Node-API are C")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use langflow_client::boundary::{HostLoop, HostTask};
use napi::bindgen_prelude::{Function, ToNapiValue, within_runtime_if_available};
use napi::{Env, Status, sys};

use crate::mailbox::{Letter, Slot, Value, Work, open};

/// libuv's number of the kind of handle that watches a descriptor, and of its event.
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

/// Answers that JavaScript is called with at once, at most: their parts are its arguments.
const LETTERS: usize = 64;

/// A handle of libuv's. Its first field is for whoever uses it.
#[repr(C)]
struct Handle {
    data: *const Watch,
}

type OnEvent = unsafe extern "C" fn(*mut Handle, c_int, c_int);

/// What is used of libuv.
#[derive(Clone, Copy)]
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    poll_init: unsafe extern "C" fn(*mut sys::uv_loop_s, *mut Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(*mut Handle, c_int, OnEvent) -> c_int,
    hold: unsafe extern "C" fn(*mut Handle),
    let_go: unsafe extern "C" fn(*mut Handle),
    close: unsafe extern "C" fn(*mut Handle, unsafe extern "C" fn(*mut Handle)),
}

impl Uv {
    fn of_this_process() -> Option<Uv> {
        // SAFETY: the signatures are those of libuv 1, whose ABI is stable.
        unsafe {
            Some(Uv {
                handle_size: symbol(c"uv_handle_size")?,
                poll_init: symbol(c"uv_poll_init")?,
                poll_start: symbol(c"uv_poll_start")?,
                hold: symbol(c"uv_ref")?,
                let_go: symbol(c"uv_unref")?,
                close: symbol(c"uv_close")?,
            })
        }
    }
}

/// A function of this process.
///
/// # Safety
/// `F` is the type of the function's pointer.
unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name ends with a zero.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: a pointer to a function is as large as any other here, and the caller knows its type.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}

/// The watcher of one JavaScript environment. Everything here happens on its thread.
pub struct Watch {
    host: HostLoop,
    slot: Arc<Slot>,
    /// Calls that are under way. They keep the program from ending.
    running: RefCell<HashMap<u32, HostTask>>,
    uv: Uv,
    env: sys::napi_env,
    settle: sys::napi_ref,
    cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
    /// Null once it is closed.
    handle: Cell<*mut Handle>,
}

impl Watch {
    /// A watcher that calls `settle` with what calls are answered with. `None` where there is no libuv.
    pub fn start(env: &Env, settle: &Function<'_, (), ()>) -> napi::Result<Option<Rc<Watch>>> {
        let Some(uv) = Uv::of_this_process() else {
            return Ok(None);
        };
        let runtime = within_runtime_if_available(tokio::runtime::Handle::current);
        let Ok(host) = HostLoop::new(runtime) else {
            return Ok(None);
        };
        let (mut uv_loop, mut reference) = (ptr::null_mut(), ptr::null_mut());
        let descriptor = host.descriptor();
        let env = env.raw();
        // SAFETY: the environment is the one that called, on its thread; the memory is as large as libuv
        // says, and stays until libuv has closed the handle.
        let handle = unsafe {
            check(sys::napi_get_uv_event_loop(env, &raw mut uv_loop))?;
            let handle = libc::calloc(1, (uv.handle_size)(UV_POLL)).cast::<Handle>();
            if handle.is_null() {
                return Ok(None);
            }
            if (uv.poll_init)(uv_loop, handle, descriptor) != 0 {
                libc::free(handle.cast());
                return Ok(None);
            }
            let value = ToNapiValue::to_napi_value(env, *settle)?;
            check(sys::napi_create_reference(
                env,
                value,
                1,
                &raw mut reference,
            ))?;
            handle
        };
        let this = Rc::new(Watch {
            host,
            slot: Arc::default(),
            running: RefCell::default(),
            uv,
            env,
            settle: reference,
            cleanup: Cell::new(ptr::null_mut()),
            handle: Cell::new(handle),
        });
        // SAFETY: as above. The handle has a share of this, which it gives up when it is closed.
        unsafe {
            (*handle).data = Rc::into_raw(this.clone());
            (uv.poll_start)(handle, UV_READABLE, readable);
            (uv.let_go)(handle);
            let (data, mut hook) = (handle.cast(), ptr::null_mut());
            check(sys::napi_add_async_cleanup_hook(
                env,
                Some(leave),
                data,
                &raw mut hook,
            ))?;
            this.cleanup.set(hook);
        }
        Ok(Some(this))
    }

    /// Begins the call of this number. True where something is answered already.
    pub fn spawn(&self, id: u32, work: Work) -> bool {
        let slot = self.slot.clone();
        let task = self.host.spawn(async move {
            let outcome = work.await;
            slot.put((id, outcome));
        });
        let mut running = self.running.borrow_mut();
        if running.is_empty() {
            self.hold(true);
        }
        running.insert(id, task);
        !self.slot.is_empty()
    }

    /// What there is.
    pub fn take(&self) -> Vec<Letter> {
        let letters = self.slot.take();
        for (id, _) in &letters {
            self.ended(*id);
        }
        letters
    }

    /// Ends the call of this number, if it is one of these: its connection is closed when this returns.
    /// True where there is something of others.
    pub fn cancel(&self, id: u32) -> bool {
        if let Some(task) = self.ended(id) {
            task.abort();
            self.host.turn();
        }
        !self.slot.is_empty()
    }

    /// Ends all calls.
    pub fn end(&self) {
        for task in self.running.borrow().values() {
            task.abort();
        }
        self.host.turn();
    }

    fn ended(&self, id: u32) -> Option<HostTask> {
        let mut running = self.running.borrow_mut();
        let found = running.remove(&id);
        if found.is_some() && running.is_empty() {
            self.hold(false);
        }
        found
    }

    /// Keeps the program from ending, or no longer.
    fn hold(&self, hold: bool) {
        let handle = self.handle.get();
        if handle.is_null() {
            return;
        }
        // SAFETY: it is not closed.
        match hold {
            true => unsafe { (self.uv.hold)(handle) },
            false => unsafe { (self.uv.let_go)(handle) },
        }
    }

    /// Hands all answers over.
    fn deliver(&self) -> napi::Result<()> {
        let mut letters = self.take().into_iter().map(open).peekable();
        while letters.peek().is_some() {
            let mut scope = ptr::null_mut();
            // SAFETY: on the environment's thread, from its loop, before the environment has ended.
            unsafe {
                check(sys::napi_open_handle_scope(self.env, &raw mut scope))?;
                let called = self.call(letters.by_ref().take(LETTERS));
                sys::napi_close_handle_scope(self.env, scope);
                called?;
            }
        }
        Ok(())
    }

    /// Calls JavaScript, as at the end of an event: what its promises start runs before this returns.
    ///
    /// # Safety
    /// In a scope of handles, on the thread of an environment that has not ended.
    unsafe fn call(&self, letters: impl Iterator<Item = (u32, bool, Value)>) -> napi::Result<()> {
        let env = self.env;
        let mut arguments = Vec::with_capacity(3);
        let (mut settle, mut global) = (ptr::null_mut(), ptr::null_mut());
        let (mut answer, mut thrown) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as the caller says.
        unsafe {
            for (id, failed, value) in letters {
                arguments.push(ToNapiValue::to_napi_value(env, id)?);
                arguments.push(ToNapiValue::to_napi_value(env, failed)?);
                arguments.push(made(env, value)?);
            }
            check(sys::napi_get_reference_value(
                env,
                self.settle,
                &raw mut settle,
            ))?;
            check(sys::napi_get_global(env, &raw mut global))?;
            let called = sys::napi_make_callback(
                env,
                ptr::null_mut(),
                global,
                settle,
                arguments.len(),
                arguments.as_ptr(),
                &raw mut answer,
            );
            if called == sys::Status::napi_pending_exception {
                check(sys::napi_get_and_clear_last_exception(env, &raw mut thrown))?;
                check(sys::napi_fatal_exception(env, thrown))?;
            }
        }
        Ok(())
    }
}

/// The value of an answer. Most are texts of ASCII alone, which V8 takes as they are.
///
/// # Safety
/// In a scope of handles, on the thread of an environment that has not ended.
unsafe fn made(env: sys::napi_env, value: Value) -> napi::Result<sys::napi_value> {
    match &value {
        Value::A(text) if text.is_ascii() => {
            let (start, mut made) = (text.as_ptr().cast(), ptr::null_mut());
            // SAFETY: as the caller says; the text is copied.
            check(unsafe {
                sys::napi_create_string_latin1(env, start, text.len() as isize, &raw mut made)
            })?;
            Ok(made)
        }
        // SAFETY: as the caller says.
        _ => unsafe { ToNapiValue::to_napi_value(env, value) },
    }
}

/// The descriptor is readable: a turn is due.
unsafe extern "C" fn readable(handle: *mut Handle, _status: c_int, _events: c_int) {
    // SAFETY: the handle has a share of it until it is closed, and calls nobody afterwards.
    let watch = unsafe {
        let data = (*handle).data;
        Rc::increment_strong_count(data);
        Rc::from_raw(data)
    };
    // The core hears of panics of its calls itself; one of anything else must not reach C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        watch.host.turn();
        // It fails where the environment is about to end, and nobody waits any more.
        watch.deliver()
    }));
}

/// The environment ends: so does its handle, and Node waits until it has.
unsafe extern "C" fn leave(_: sys::napi_async_cleanup_hook_handle, handle: *mut c_void) {
    let handle = handle.cast::<Handle>();
    // SAFETY: the hook runs once, on the thread of the environment, while the handle is open.
    unsafe {
        let watch = &*(*handle).data;
        watch.handle.set(ptr::null_mut());
        sys::napi_delete_reference(watch.env, watch.settle);
        (watch.uv.close)(handle, closed);
    }
}

unsafe extern "C" fn closed(handle: *mut Handle) {
    // SAFETY: libuv has done with the handle, whose memory and share of the watcher end here.
    unsafe {
        let watch = Rc::from_raw((*handle).data);
        libc::free(handle.cast());
        sys::napi_remove_async_cleanup_hook(watch.cleanup.get());
    }
}

fn check(status: sys::napi_status) -> napi::Result<()> {
    match status {
        sys::Status::napi_ok => Ok(()),
        other => Err(napi::Error::new(
            Status::from(other),
            "the event loop cannot be watched",
        )),
    }
}
