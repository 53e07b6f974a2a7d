# A native file on a base without a runtime, a shell or a package manager. Both bases exist for amd64 and arm64; the image is
# built for the machine that builds it.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble-aot AS build
WORKDIR /source

# Packages change seldom: restored before the source is copied, they are a layer of their own. What publishing needs
# besides, the native compiler, is restored with them.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/EchoHost/EchoHost.csproj src/EchoHost/
COPY src/Kestrel.Epoll/Kestrel.Epoll.csproj src/Kestrel.Epoll/
COPY src/Kestrel.ProxyProtocol/Kestrel.ProxyProtocol.csproj src/Kestrel.ProxyProtocol/
RUN dotnet restore src/EchoHost/EchoHost.csproj -p:_IsPublishing=true

COPY appsettings.json LICENSE ./
COPY src/ src/
RUN dotnet publish src/EchoHost/EchoHost.csproj --configuration Release --no-restore --output /app && cp LICENSE /app/

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
# The VersionPrefix of Directory.Build.props.
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="EchoHost" \
      org.opencontainers.image.description="A TCP echo peer for the people who run networks" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /app ./

# What suits a container: all addresses, JSON lines, no line a message, time for load balancers to notice a stop.
ENV ASPNETCORE_URLS=http://+:8080 \
    ASPNETCORE_HTTP_PORTS= \
    Logging__Format=json \
    Echo__LogMessages=false \
    Echo__Shutdown__ReadinessDelay=00:00:05

USER $APP_UID
EXPOSE 5555 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/app/EchoHost", "health"]
ENTRYPOINT ["/app/EchoHost"]
