//! `signaling`: parse, log, bind, serve, exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use signaling::cli::{Arguments, Errand, Refused, Secrets, TokenArguments};
use signaling::log::{self, Format};
use signaling::program;
use signaling::status::Screen;
use tokio::runtime::Builder;

/// Exit code for what the user can put right: an option or its surroundings.
const CONFIGURATION: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(Refused::Usage(why)) => why.exit(),
        Err(Refused::Configuration(why, format)) => {
            let _ = log::start(format);
            return fail(CONFIGURATION, &why, format);
        }
    };
    if let Some(Errand::Token(token)) = &arguments.errand {
        return print(token);
    }
    let screen = log::start(arguments.log);
    let mut runtime = Builder::new_multi_thread();
    match runtime
        .worker_threads(arguments.threads())
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let code = runtime.block_on(serve(&arguments, screen));
            // Not for a name that is still being looked up.
            runtime.shutdown_background();
            code
        }
        Err(why) => fail(1, &anyhow!(why).context("no threads"), arguments.log),
    }
}

async fn serve(arguments: &Arguments, screen: Screen) -> ExitCode {
    let ready = match program::prepare(arguments) {
        Ok(ready) => ready,
        Err(why) => return fail(CONFIGURATION, &why, arguments.log),
    };
    match program::run(arguments, ready, screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, &why, arguments.log),
    }
}

/// The token is the one thing on stdout, for `TOKEN=$(signaling token)`.
fn print(token: &TokenArguments) -> ExitCode {
    match Secrets::from_env().and_then(|secrets| token.token(secrets.token)) {
        Ok(token) => {
            let _ = writeln!(io::stdout(), "{token}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(CONFIGURATION, &why, Format::Text),
    }
}

fn fail(code: u8, why: &anyhow::Error, format: Format) -> ExitCode {
    log::failure(format, why);
    ExitCode::from(code)
}
