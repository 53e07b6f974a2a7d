%% The plain echo server in Erlang: a process a connection.
%% usage: erl -noshell -s echo_server main PORT
-module(echo_server).
-export([main/1]).

-define(ACCEPTORS, 10).

%% How many messages the socket sends to its process before it waits to be asked again. Without such an end, a peer that
%% does not read would fill the process's mailbox.
-define(ACTIVE, 100).

main([Port]) ->
    {ok, Listener} = gen_tcp:listen(list_to_integer(atom_to_list(Port)), options()),
    [spawn(fun() -> accept(Listener) end) || _ <- lists:seq(1, ?ACCEPTORS)],
    %% The listener closes with the process that opened it.
    receive stop -> ok end.

options() ->
    [binary,
     {active, false},
     {nodelay, true},
     {reuseaddr, true},
     {backlog, 4096},
     %% As much a read as the other servers have; the default is 1,460 bytes.
     {buffer, 65536},
     %% What has been received is still sent when the peer has ended its side.
     {exit_on_close, false}].

%% Whoever accepts a connection serves it, and leaves another to accept the next.
accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    spawn(fun() -> accept(Listener) end),
    ok = inet:setopts(Socket, [{active, ?ACTIVE}]),
    echo(Socket).

echo(Socket) ->
    receive
        {tcp, Socket, Message} ->
            send(Socket, Message);
        {tcp_passive, Socket} ->
            inet:setopts(Socket, [{active, ?ACTIVE}]),
            echo(Socket);
        {tcp_closed, Socket} ->
            gen_tcp:close(Socket);
        {tcp_error, Socket, _} ->
            gen_tcp:close(Socket)
    end.

send(Socket, Message) ->
    case gen_tcp:send(Socket, Message) of
        ok -> echo(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.
