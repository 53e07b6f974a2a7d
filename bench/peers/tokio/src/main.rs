//! The plain echo server on tokio: a task a connection, on the runtime's default of a thread for each CPU.
//! usage: tokio-echo PORT

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const READ_SIZE: usize = 65536;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("usage: tokio-echo PORT");
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        // A connection that breaks concerns no other.
        tokio::spawn(async move {
            let _ = echo(socket).await;
        });
    }
}

async fn echo(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let count = socket.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }

        socket.write_all(&buffer[..count]).await?;
    }
}
