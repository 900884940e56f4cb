package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// DefaultCacheBytes is what a server without special needs gives to the response cache.
const DefaultCacheBytes = 64 << 20

// Options is what a Server is made of. The parts of core are required, but for Schemas; the figures have defaults.
type Options struct {
	Reader  core.Reader
	Content core.Content
	Access  core.Access
	Types   core.Types
	Catalog core.Catalog
	Schemas core.SchemaChanges // nil: types cannot be changed here
	Keeper  core.CatalogKeeper // nil: the catalog cannot be rebuilt or verified here
	Privacy core.Privacy       // nil: personal data is not looked after here
	Rights  core.Rights        // nil: nobody is told why he may do something
	// Accounts signs people in; nil: nobody can, and callers have API tokens only.
	Accounts core.Accounts

	Routes   []core.Route              // of plugins
	Impaired func() []string           // the plugins that are off though nobody wants it so; nil: none
	Figures  func() []core.HookFigures // of plugins, for /metrics; nil: none
	Auditor  core.Auditor              // nil: nobody can be asked who did what
	Exporter core.Exporter             // nil: nothing is exported here

	Name      string // of the site, on the pages and in the API's description; "Palabre"
	Version   string // of the program
	PublicURL string // where the world reaches this server, for absolute links; "" writes links from the root
	Logger    *slog.Logger
	Now       func() time.Time

	CacheBytes int64         // of the response cache; 0 turns it off
	MaxAge     time.Duration // how long others may keep a public answer without asking; 10 s, negative for none
	StaleFor   time.Duration // and how much longer while they ask; 60 s, negative for none

	BodyBytes  int64         // the most that the body of a request weighs; 1 MiB
	BatchBytes int64         // the same for /api/v1/batch; 8 MiB
	BodyGrace  time.Duration // how long a body may take before it must have come in at 50 KB a second; 10 s
	InFlight   int           // requests served at once, more get 503; 1024
	Streams    int           // followers of the changes at once; 256

	Heartbeat time.Duration // between signs of life on a stream; 15 s
	WaitFor   time.Duration // the most that Wait-For-Position waits; 5 s
	AnswerFor time.Duration // the most that computing an answer takes; 10 s
	// Wake returns when a commit after the position can be read, or with ctx's error. By default it waits on the Catalog.
	Wake func(ctx context.Context, after core.Position) error

	DrainDelay time.Duration // how long Serve goes on after it was told to end and /readyz says so; 0
	DrainFor   time.Duration // how long requests in flight may then take; 20 s

	NoMetrics      bool     // do not serve /metrics here (see Server.Metrics)
	TrustedProxies []string // addresses or networks whose X-Forwarded-For is believed; none

	Origins        []string // the only other sites whose scripts may use the API, with credentials; none: any may read what is public
	AuthLimit      int      // requests a minute under /api/v1/auth/ from one address; 0 for any number
	AnonymousLimit int      // anonymous requests a second from one address that the cache does not answer; 0 for any number
}

// Server is the HTTP side of Palabre. Make it with New.
type Server struct {
	o        Options
	log      *slog.Logger
	now      func() time.Time
	engine   *gin.Engine
	table    []route
	cache    *cache
	metrics  *metrics
	ids      *requestIDs
	pages    *pages
	policy   func() uint64
	store    *core.Type // what Access is asked about where the store as a whole is meant
	inFlight atomic.Int64
	streams  atomic.Int64
	waiters  atomic.Int64
	draining atomic.Bool
	trusted  []netip.Prefix // proxies

	authLimit, anonymousLimit *limiter // nil: none

	ending  chan struct{} // closed when draining begins: streams end
	endOnce sync.Once
}

// New makes a Server. It starts nothing.
func New(o Options) (*Server, error) {
	if o.Reader == nil || o.Content == nil || o.Access == nil || o.Types == nil || o.Catalog == nil {
		return nil, errors.New("httpapi: Options needs a Reader, a Content, an Access, Types and a Catalog")
	}
	o = o.withDefaults()
	s := &Server{o: o, log: o.Logger, now: o.Now, metrics: newMetrics(), ids: newRequestIDs(), ending: make(chan struct{})}
	if o.Figures != nil {
		s.metrics.registry.MustRegister(pluginFigures(o.Figures))
	}
	s.policy = policyVersion(o.Access)
	s.store = core.NewType(core.Type{Name: "store", Public: true}) // public: that there is one is no secret
	s.cache = newCache(o.CacheBytes, s.stands, s.metrics)
	s.table = s.routes()
	s.authLimit, s.anonymousLimit = newLimiter(o.AuthLimit, time.Minute), newLimiter(o.AnonymousLimit, time.Second)
	var err error
	if s.trusted, err = readProxies(o.TrustedProxies); err != nil {
		return nil, err
	}
	if s.pages, err = newPages(); err != nil {
		return nil, err
	}
	s.engine, err = s.newEngine()
	return s, err
}

func (o Options) withDefaults() Options {
	o.Name = either(o.Name, "Palabre")
	o.Version = either(o.Version, "dev")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.MaxAge, o.StaleFor = either(o.MaxAge, 10*time.Second), either(o.StaleFor, time.Minute)
	o.BodyBytes, o.BatchBytes = either(o.BodyBytes, 1<<20), either(o.BatchBytes, 8<<20)
	o.BodyGrace = either(o.BodyGrace, 10*time.Second)
	o.InFlight, o.Streams = either(o.InFlight, 1024), either(o.Streams, 256)
	o.Heartbeat, o.WaitFor = either(o.Heartbeat, 15*time.Second), either(o.WaitFor, 5*time.Second)
	o.AnswerFor, o.DrainFor = either(o.AnswerFor, 10*time.Second), either(o.DrainFor, 20*time.Second)
	if o.Wake == nil {
		catalog := o.Catalog
		o.Wake = func(ctx context.Context, after core.Position) error { return catalog.Wait(ctx, after+1) }
	}
	return o
}

func either[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// newEngine hangs the route table into gin. Everything that gin would do by itself (redirects, path repair, forwarded
// addresses) is off: one path, one door.
func (s *Server) newEngine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash, e.RedirectFixedPath, e.HandleMethodNotAllowed = false, false, true
	e.ForwardedByClientIP = len(s.o.TrustedProxies) > 0
	if err := e.SetTrustedProxies(s.o.TrustedProxies); err != nil {
		return nil, errors.New("httpapi: TrustedProxies must be addresses or networks such as 10.0.0.0/8")
	}
	for i := range s.table {
		s.hang(e, &s.table[i])
	}
	e.NoRoute(s.handle(&route{name: "notFound"}, noRoute))
	e.NoMethod(s.handle(&route{name: "notAllowed"}, noMethod))
	return e, nil
}

func (s *Server) hang(e *gin.Engine, r *route) {
	h := s.handle(r, r.serve)
	e.Handle(r.method, r.path, h)
	if r.method == http.MethodGet {
		e.Handle(http.MethodHead, r.path, h)
	}
}

// Handler gives the whole of it as one http.Handler.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.front) }

// Serve answers on the listener until ctx is done, then drains: /readyz says 503 at once, requests go on being served
// for DrainDelay, those in flight get DrainFor to end, and streams are told to end. It closes the listener, and gives
// nil when every request was answered.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return core.Wrap("httpapi.Serve", err)
	case <-ctx.Done():
		return s.drain(server)
	}
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // broken connections, not our errors
	}
}

func (s *Server) drain(server *http.Server) error {
	s.Drain()
	wait := time.NewTimer(s.o.DrainDelay)
	defer wait.Stop()
	<-wait.C
	ctx, cancel := context.WithTimeout(context.Background(), s.o.DrainFor)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return core.Errorf(core.CodeUnavailable, "some requests were still unanswered %s after the end was asked for: %w", s.o.DrainFor, err)
	}
	return nil
}

// Drain makes /readyz say 503 and ends the streams, so that whoever balances load looks elsewhere. Serve does it by itself.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.endOnce.Do(func() { close(s.ending) })
}
