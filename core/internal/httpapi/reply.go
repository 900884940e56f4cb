package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// noted is what stood before a request was looked at. Versions are read first and compared later, so that a change in
// between makes an answer too old rather than wrong.
type noted struct {
	all    uint64
	policy uint64
	system [2]typeVersion
}

// The types whose change may alter any answer: who may see what, and what there is to see.
const (
	roleType   core.TypeName = "_role"
	schemaType core.TypeName = "_type"
)

// policyVersion finds out whether the Access tells when its answers may have changed.
func policyVersion(a core.Access) func() uint64 {
	if v, ok := a.(interface{ Version() uint64 }); ok {
		return v.Version
	}
	return func() uint64 { return 0 }
}

func (s *Server) note() noted {
	return noted{all: s.o.Catalog.Version(""), policy: s.policy(),
		system: [2]typeVersion{s.versionOf(roleType), s.versionOf(schemaType)}}
}

func (s *Server) versionOf(name core.TypeName) typeVersion {
	t, _ := s.o.Types.Type(name)
	return typeVersion{name: name, version: s.o.Catalog.Version(name), was: t}
}

// stands reports whether a kept answer still is the answer.
func (s *Server) stands(a *answer) bool {
	if !a.until.IsZero() && !s.now().Before(a.until) || a.stands.policy != s.policy() {
		return false
	}
	all := s.o.Catalog.Version("")
	if all == a.stands.all.Load() {
		return true
	}
	for _, v := range a.stands.types {
		if s.versionOf(v.name) != v {
			return false
		}
	}
	a.stands.all.Store(all)
	return true
}

// asked is a question to the Reader, with what decides who may keep the answer.
type asked struct {
	before  noted
	pending *core.Pending
	tally   *tally
	open    bool // an anonymous caller asks, with nothing secret in the address
	raw     rawKey
}

// check is a question as the Reader checks it.
type check func(ctx context.Context, who *core.Principal) (*core.Pending, error)

// ask puts a question to the Reader and replies with the answer.
func (s *Server) ask(c *gin.Context, params url.Values, check check) error {
	a, err := s.consult(c, params, check)
	if err != nil {
		return err
	}
	s.send(c.Writer, c.Request, a)
	return nil
}

// consult notes what stands, checks the request and gets its answer.
func (s *Server) consult(c *gin.Context, params url.Values, check check) (*answer, error) {
	q, r := of(c), c.Request
	k := asked{before: s.note(), tally: q.tally}
	var err error
	if k.pending, err = check(r.Context(), q.who); err != nil {
		return nil, err
	}
	if q.preview { // opened by a token that expires: nobody's to keep
		a, err := s.compute(r.Context(), k)
		if err == nil {
			a.control = previewAnswer
		}
		return a, err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		k.raw = rawKey{who: identity(q.who), uri: r.RequestURI}
		state := params.Get("state")
		k.open = q.who.Anonymous() && (state == "" || state == string(core.StatePublished))
	}
	return s.answer(r.Context(), k)
}

// answer gives the answer to a checked request, out of the cache where there is one.
func (s *Server) answer(ctx context.Context, k asked) (*answer, error) {
	if s.cache == nil || k.pending.Key == "" {
		return s.compute(ctx, k)
	}
	key := k.key()
	a := s.cache.find(key)
	if a == nil {
		var err error
		if a, err = s.miss(ctx, k, key); err != nil {
			return nil, err
		}
	} else {
		s.metrics.found.Inc()
	}
	if k.raw.uri != "" {
		s.cache.alias(k.raw, key)
	}
	return a, nil
}

// key tells open answers from others: they differ in their headers.
func (k asked) key() string {
	if k.open {
		return "open\x00" + k.pending.Key
	}
	return "\x00" + k.pending.Key
}

// miss computes, once for all who ask, and does not stop when the first of them leaves.
func (s *Server) miss(ctx context.Context, k asked, key string) (*answer, error) {
	s.metrics.missed.Inc()
	return s.cache.once(ctx, key, k.before.all, func() (*answer, error) {
		if a := s.cache.find(key); a != nil {
			return a, nil // it was computed and kept between the look that missed and this flight
		}
		alone, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.AnswerFor)
		defer cancel()
		a, err := s.compute(alone, k)
		if err == nil && a.moved == "" {
			s.cache.keep(key, a)
		}
		return a, err
	})
}

func (s *Server) compute(ctx context.Context, k asked) (*answer, error) {
	types := make([]typeVersion, 0, len(k.pending.Types)+len(k.before.system))
	for _, name := range k.pending.Types {
		types = append(types, s.versionOf(name))
	}
	made, err := k.pending.Answer(ctx)
	if err != nil {
		return nil, err
	}
	kind := jsonKind
	if made.Kind != "" {
		kind = []string{made.Kind}
	}
	a := newAnswer(made.Body, made.Rev, kind)
	a.tally, a.until, a.moved = k.tally, made.Until, made.Moved
	a.stands.policy, a.stands.types = k.before.policy, append(types, k.before.system[:]...)
	a.stands.all.Store(k.before.all)
	if k.open {
		a.open(s.o.MaxAge, s.o.StaleFor, made.Until, made.Tags)
	}
	return a, nil
}

// sendJSON replies with a body that no Pending stands behind.
func (s *Server) sendJSON(c *gin.Context, body []byte) error {
	a := newAnswer(body, 0, jsonKind)
	if of(c).who.Anonymous() {
		a.open(s.o.MaxAge, s.o.StaleFor, time.Time{}, nil)
	}
	s.send(c.Writer, c.Request, a)
	return nil
}

// queryOf reads the URL's parameters; a pair that cannot be read is refused rather than passed over.
func queryOf(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return url.Values{}, nil
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, core.Refuse(core.CodeBadRequest, "", "The query of the address cannot be read: parameters are joined by & and escaped with %.",
			"La partie requête de l’adresse est illisible : les paramètres sont joints par & et échappés par %.")
	}
	if len(params) > maxParams {
		return nil, core.Refuse(core.CodeBadRequest, "", "The address has too many parameters. Send the query as a body to POST …/query.",
			"L’adresse a trop de paramètres. Envoyez la requête dans un corps à POST …/query.")
	}
	return params, nil
}

const maxParams = 100

// objectWith adds a member to the text of a JSON object.
func objectWith(body []byte, name string, value string) []byte {
	out := append([]byte{'{'}, jsondoc.AppendString(nil, name)...)
	out = append(append(out, ':'), jsondoc.AppendString(nil, value)...)
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...)
}
