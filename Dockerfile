FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# Packages change seldom: restored before the source is copied, they are a layer of their own. What publishing needs
# besides, to compile ahead, is restored with them.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/EchoHost/EchoHost.csproj src/EchoHost/
RUN dotnet restore src/EchoHost/EchoHost.csproj -p:_IsPublishing=true

COPY appsettings.json LICENSE ./
COPY src/ src/
RUN dotnet publish src/EchoHost/EchoHost.csproj --configuration Release --no-restore --output /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
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
