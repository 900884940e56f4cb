package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/account"
	"github.com/palabre-cms/palabre/core/internal/audit"
	"github.com/palabre-cms/palabre/core/internal/catalog"
	"github.com/palabre-cms/palabre/core/internal/content"
	"github.com/palabre-cms/palabre/core/internal/httpapi"
	"github.com/palabre-cms/palabre/core/internal/mail"
	"github.com/palabre-cms/palabre/core/internal/migrate"
	"github.com/palabre-cms/palabre/core/internal/oidc"
	"github.com/palabre-cms/palabre/core/internal/outbound"
	"github.com/palabre-cms/palabre/core/internal/pluginhost"
	"github.com/palabre-cms/palabre/core/internal/privacy"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/internal/read"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/plugin"
)

// Options are what a program adds to the configuration. The zero Options are fine.
type Options struct {
	Plugins []plugin.Plugin
	LogTo   io.Writer // nil logs nothing
	Version string
	// Tell is called once the server listens.
	Tell func(Started)
	// Errand is for one command on the store instead of a server: a content type that the store has already stays as it is,
	// whatever its file says by now, no demo is loaded, and no token is made that nobody would be shown.
	Errand bool
	// SafeMode runs nothing of the plugins: they can be looked at, set up and turned off.
	SafeMode bool
	// Now replaces the store's clock, and Transport what plugins reach other servers by: for tests.
	Now       func() time.Time
	Transport http.RoundTripper
}

// Started is what a person who starts a server wants to know.
type Started struct {
	URL   string // where the server is reached from here
	Token string // the administrator's token, when this start has made it; it is not kept anywhere
	// Email and Password are how the first administrator signs in, when this start has made the password; it is not kept
	// anywhere either.
	Email, Password string
}

// App is one node of Palabre.
type App struct {
	config  *config.Config
	options Options
	logger  *slog.Logger

	store     *Store
	clock     *storeClock
	compiler  core.Compiler
	types     *registry
	catalog   *catalog.Catalog
	access    *access.Access
	hooks     *core.Hooks
	plugins   *pluginhost.Host
	writer    *content.Content
	content   core.Content
	accounts  *account.Service
	schemas   *migrate.Service
	queries   core.Queries
	reader    core.Reader
	cursorKey []byte
	trail     *audit.Trail
	privacy   *privacy.Service
	redacted  *redactions
	server    *httpapi.Server

	outbound   *outbound.Client
	mailer     *mail.Mailer  // nil where no server for mail is configured
	identities *oidc.Service // nil where no provider is

	stop       context.CancelFunc
	background sync.WaitGroup
	url        atomic.Pointer[string] // where the server is reached, once it listens
	newToken   atomic.Pointer[string] // made by this start, and not told yet
	// newPassword likewise.
	newPassword atomic.Pointer[string]
}

// New puts a node together. It opens what lies in the data directory and starts nothing; Close frees it.
func New(c *config.Config, o Options) (*App, error) {
	a := &App{config: c, options: o, logger: newLogger(c.Log, o.LogTo), hooks: &core.Hooks{}}
	for _, step := range []func() error{a.openStore, a.addPlugins, a.openTypes, a.openCatalog, a.wireOutbound, a.wireServices, a.wireServer} {
		if err := step(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func newLogger(c config.Log, to io.Writer) *slog.Logger {
	if to == nil {
		return slog.New(slog.DiscardHandler)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}

func (a *App) openStore() (err error) {
	a.store, err = OpenStore(a.config)
	if err == nil && a.store.exposed != nil {
		a.logger.Warn("others on this machine may be able to read the data directory: give it and its files to the user that runs this", "error", a.store.exposed)
	}
	if err == nil && a.options.Now != nil {
		a.store.log = setLog{a.store.log, a.options.Now}
	}
	return err
}

func (a *App) openTypes() error {
	words := a.vocabulary()
	a.compiler = &schema.Compiler{Words: words}
	system, err := schema.System(context.Background(), a.compiler)
	if err != nil {
		return err
	}
	a.types = newRegistry(&schema.Compiler{Words: words, Lenient: true}, system, a.logger)
	a.types.file = filepath.Join(a.config.Data, "types.json")
	a.types.recall()
	return nil
}

func (a *App) openCatalog() (err error) {
	a.clock = newStoreClock(a.store.log)
	a.clock.set = a.options.Now
	a.catalog, err = catalog.Open(context.Background(), catalogDir(a.config.Data), a.types, a.clock.Now, catalog.Options{})
	if err != nil {
		return err
	}
	return a.knowTypes(context.Background())
}

// knowTypes begins with the types that the catalog holds, and tells it of them in turn: it had to be open to say so.
func (a *App) knowTypes(ctx context.Context) error {
	if err := a.types.load(ctx, a.catalog); err != nil {
		return err
	}
	for _, t := range a.types.Types() {
		if err := a.catalog.OnType(ctx, t, nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) addPlugins() error {
	if a.options.SafeMode {
		a.plugins = pluginhost.NewSafe(a.hooks, a.logger, a.options.Plugins...)
		return nil
	}
	a.plugins = pluginhost.New(a.hooks, a.logger, a.options.Plugins...)
	return nil
}

func (a *App) wireServices() error {
	a.access = access.New(access.Config{Catalog: a.catalog, Types: a.types, Now: a.clock.Now, Logger: a.logger,
		Where: func(ctx context.Context, t *core.Type, tree map[string]any) (core.Node, error) {
			return a.queries.ParseWhere(ctx, core.System, t, tree)
		}})
	a.redacted = a.newRedactions()
	a.writer = content.New(content.Config{Log: a.store.log, Catalog: a.catalog, Types: a.types, Access: a.access,
		Hooks: a.hooks, Observers: []content.Observer{a.types, a.redacted}, Logger: a.logger, Uncomputed: a.notComputed})
	fresh := &freshTokens{}
	a.content = &rightsContent{Content: a.writer, access: a.access, types: a.types, catalog: a.catalog, now: a.clock.Now, fresh: fresh}
	if err := a.openAudit(); err != nil {
		return err
	}
	if err := a.wireAccounts(); err != nil {
		return err
	}
	key, err := a.sharedSecret("cursor-key")
	if err != nil {
		return err
	}
	a.cursorKey = key
	a.queries = query.New(a.types, a.access, key)
	reader := read.New(a.readParts(a.access, a.queries))
	a.reader = &tokenReader{fresh: fresh, Reader: reader}
	a.schemas = migrate.New(migrate.Config{Types: a.types, Compiler: a.compiler, Catalog: a.catalog, Content: a.content,
		Access: a.access, Hooks: a.hooks})
	a.privacy = a.newPrivacy()
	return a.wirePlugins(reader)
}

func (a *App) readParts(access core.Access, queries core.Queries) read.Parts {
	return read.Parts{Types: a.types, Access: access, Catalog: a.catalog, Queries: queries, Content: a.content, Log: a.store.log,
		Hooks: a.hooks, Prune: schema.Visible, Now: a.clock.Now}
}

func (a *App) wireServer() (err error) {
	a.server, err = httpapi.New(httpapi.Options{
		Reader: a.reader, Content: a.content, Access: a.access, Types: a.types, Catalog: a.catalog, Schemas: a.schemas,
		Keeper: keeper{a.catalog, a.store.log}, Rights: a.access, Accounts: a.signingIn(), Auditor: a.trail, Privacy: a.privacy,
		Exporter: &exporter{App: a, key: a.cursorKey}, Routes: a.plugins.Routes(), Impaired: a.plugins.Impaired, Figures: a.plugins.Figures,
		Version: a.options.Version, PublicURL: a.config.PublicURL, Logger: a.logger, Now: a.clock.Now,
		CacheBytes: int64(a.config.Cache.Bytes), NoMetrics: !a.config.Metrics.Enabled, TrustedProxies: a.config.TrustedProxies,
		Origins: a.config.CORS.Origins, AuthLimit: a.config.Limits.Auth, AnonymousLimit: a.config.Limits.Anonymous,
		DrainDelay: a.config.Shutdown.Delay, DrainFor: a.config.Shutdown.Drain,
	})
	return err
}

// Start brings the node up to the end of the log and sees to what the store needs once: content types from files, the
// first administrator, the demo. With the store away it returns all the same, on what the catalog has, and goes on
// trying. ctx bounds the start only.
func (a *App) Start(ctx context.Context) error {
	if err := a.writer.Start(ctx); err != nil {
		return err
	}
	background, stop := context.WithCancel(context.Background())
	a.stop = stop
	err := a.writer.Ready()
	if err == nil {
		err = a.settle(ctx)
	}
	if core.CodeOf(err) == core.CodeUnavailable {
		a.logger.Warn("the store is away; reads are served, writes wait", "error", err)
		a.background.Go(func() { a.settleLater(background) })
		err = nil
	}
	if err != nil {
		return err
	}
	a.background.Go(func() { a.clock.run(background) })
	a.background.Go(debug.FreeOSMemory) // what loading the catalog has left behind
	if !a.options.Errand {
		a.background.Go(func() { a.watchAccounts(background) })
	}
	a.keepAudit(background)
	a.background.Go(func() { a.keepPrivacy(background) })
	for _, c := range a.consumers() {
		a.background.Go(func() { a.follow(background, c) })
	}
	if !a.options.Errand {
		a.plugins.Start(ctx)
		a.background.Go(func() { a.keepComputed(background) })
	}
	return nil
}

// Run starts the node and serves until ctx is done; then it lets the requests in flight end.
func (a *App) Run(ctx context.Context) error {
	listener, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w (from %s)", err, a.config.Origin("listen"))
	}
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	a.tell(listener.Addr())
	return a.server.Serve(ctx, listener)
}

func (a *App) tell(addr net.Addr) {
	a.logger.Info("listening", "address", addr.String())
	s := Started{URL: a.config.PublicURL}
	if s.URL == "" {
		s.URL = "http://" + reachable(addr)
	}
	a.url.Store(&s.URL)
	a.addSecrets(&s)
	if a.options.Tell != nil {
		a.options.Tell(s)
	}
}

// addSecrets adds what this start has made and not told yet, and reports whether there was any.
func (a *App) addSecrets(s *Started) bool {
	token, password := a.newToken.Swap(nil), a.newPassword.Swap(nil)
	if token != nil {
		s.Token = *token
	}
	if password != nil {
		s.Email, s.Password = a.config.Admin.Email, *password
	}
	return token != nil || password != nil
}

// reachable is where a server that listens on every address is reached from here.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}

// Close ends what Start began and frees what New opened.
func (a *App) Close() error {
	var failures []error
	if a.stop != nil {
		a.stop()
	}
	if a.plugins != nil {
		failures = append(failures, a.plugins.Close())
	}
	a.background.Wait()
	if a.accounts != nil {
		failures = append(failures, a.accounts.Close())
	}
	if a.writer != nil {
		failures = append(failures, a.writer.Close())
	}
	if a.trail != nil {
		failures = append(failures, a.trail.Close())
	}
	if a.catalog != nil {
		failures = append(failures, a.catalog.Close())
	}
	if a.store != nil {
		failures = append(failures, a.store.Close())
	}
	return errors.Join(failures...)
}

// Handler answers HTTP without listening, for tests and for programs with a server of their own.
func (a *App) Handler() http.Handler { return a.server.Handler() }

// Types are the content types.
func (a *App) Types() core.Types { return a.types }

// Catalog answers reads.
func (a *App) Catalog() core.Catalog { return a.catalog }

// Content takes writes.
func (a *App) Content() core.Content { return a.content }

// Reader answers as the API does.
func (a *App) Reader() core.Reader { return a.reader }

// Schemas changes content types.
func (a *App) Schemas() core.SchemaChanges { return a.schemas }
