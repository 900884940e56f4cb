package account

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The types whose entries this package writes, and the role that may do everything.
const (
	UserType    core.TypeName = "_user"
	SessionType core.TypeName = "_session"

	roleType  core.TypeName = "_role"
	tokenType core.TypeName = "_token"

	administrator = "administrator"
)

// DefaultLifetime is how long a session holds.
const DefaultLifetime = 14 * 24 * time.Hour

// Mailer sends a mail of plain text.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// Config is what New needs. Auditor, Mailer, PublicURL, Name, Lifetime and Logger may be left out.
type Config struct {
	Catalog   core.Catalog
	Content   core.Content // the write path itself, without a Guard
	Log       core.Log     // its key-value side
	Types     core.Types
	Directory core.Directory
	Auditor   core.Auditor
	Mailer    Mailer // nil: nobody is sent anything
	Key       []byte // 32 secret bytes that all nodes share
	CookieKey []byte // 32 more, which sign cookies and are in no backup
	PublicURL string // for the links in mails
	Name      string // of the site, as authenticators and mails call it
	Lifetime  time.Duration
	Now       func() time.Time // the store's clock
	Logger    *slog.Logger
}

// Service implements core.Accounts, but for signing in elsewhere, which package oidc adds. Its methods may be called at once.
type Service struct {
	c        Config
	log      *slog.Logger
	now      func() time.Time
	keys     keys
	hasher   *hasher
	throttle *throttle
	failures *failures
	sessions sessionCache
	second   roleCache

	administrators sync.Mutex // held while the last one of them is being looked for

	posting    chan struct{} // bounds the mails on their way
	background sync.WaitGroup
	stop       context.CancelFunc
	running    context.Context // ends with Close: what is sent behind a request's back
}

// New makes the service. It starts nothing by itself; Close ends what requests have started.
func New(c Config) (*Service, error) {
	if len(c.Key) < sha256.Size || len(c.CookieKey) < sha256.Size {
		return nil, core.Errorf(core.CodeInternal, "account: the keys must have %d bytes", sha256.Size)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Name == "" {
		c.Name = "Palabre"
	}
	if c.Lifetime <= 0 {
		c.Lifetime = DefaultLifetime
	}
	k, err := keysOf(&c)
	if err != nil {
		return nil, err
	}
	s := &Service{c: c, log: c.Logger, now: c.Now, keys: k, hasher: newHasher(), throttle: newThrottle(c.Now),
		failures: newFailures(c.Now), posting: make(chan struct{}, mailsAtOnce)}
	s.running, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Close waits for what is still being sent, which it cuts short.
func (s *Service) Close() error {
	s.stop()
	s.background.Wait()
	return nil
}

// keys are derived from the secrets, so that what one of them signs means nothing to another.
type keys struct{ cookie, csrf, factor []byte }

func keysOf(c *Config) (k keys, err error) {
	for _, key := range []struct {
		to     *[]byte
		secret []byte
		name   string
	}{{&k.cookie, c.CookieKey, "cookie"}, {&k.csrf, c.Key, "csrf"}, {&k.factor, c.Key, "second factor"}} {
		if *key.to, err = hkdf.Key(sha256.New, key.secret, nil, "palabre account "+key.name, sha256.Size); err != nil {
			return k, core.Wrap("account.keysOf", err)
		}
	}
	return k, nil
}

// own is a principal who writes what nobody may send, in the name of an account.
func own(id core.EntryID) *core.Principal {
	return &core.Principal{ID: "user:" + string(id), Kind: core.System.Kind, Roles: core.System.Roles}
}

// write performs operations of this package, in the name of an account.
func (s *Service) write(ctx context.Context, id core.EntryID, reason string, ops ...core.Operation) error {
	_, err := s.c.Content.Write(ctx, own(id), ops, core.WriteOptions{Reason: reason})
	return err
}

// caller gives the account of who asks; CodeUnauthenticated for who is none.
func (s *Service) caller(ctx context.Context, who *core.Principal) (*record, error) {
	if who.Kind != "user" {
		return nil, errSignIn()
	}
	u, err := s.user(ctx, who.Entry())
	if err == nil && u == nil {
		err = errSignIn()
	}
	return u, err
}

// note tells the audit of an event. An audit that cannot take it does not undo what has happened.
func (s *Service) note(ctx context.Context, who *core.Principal, e core.AuditEvent) {
	if s.c.Auditor == nil {
		return
	}
	if err := s.c.Auditor.Note(ctx, who, e); err != nil {
		s.log.Error("an event is missing in the audit", "event", e.Event, "error", err)
	}
}
