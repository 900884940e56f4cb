package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/palabre-cms/palabre/core"
)

// answer is a body with everything that its headers need, so that sending it is copying. Its header values are shared by
// all responses and never changed.
type answer struct {
	body    []byte
	base    string // of the entity tags: a digest of the body, after the revision where there is one
	kind    []string
	vary    []string
	public  bool // others may keep it: it is what an anonymous caller gets
	control []string
	tags    []string // Cache-Tag, which CDNs purge by
	until   time.Time
	maxAge  time.Duration
	stale   time.Duration
	moved   string // the slug to ask for instead
	tally   *tally
	plain   variant
	packed  [packings]lazyVariant
	grown   func(bytes int) // told of what a new variant weighs
	stands  standing
}

// variant is the answer in one encoding.
type variant struct {
	body     []byte
	tag      []string
	length   []string
	encoding []string // nil for the identity
}

// lazyVariant is made when it is first asked for, once.
type lazyVariant struct {
	once sync.Once
	made atomic.Pointer[variant]
}

// standing is what must not have moved for a kept answer to hold.
type standing struct {
	all    atomic.Uint64 // the version of everything when it was last found to stand
	policy uint64
	types  []typeVersion
}

type typeVersion struct {
	name    core.TypeName
	version uint64
	was     *core.Type // the compiled type that it was made with
}

var (
	jsonKind      = []string{"application/json; charset=utf-8"}
	varyEncoding  = []string{"Accept-Encoding, Authorization"}
	varyLanguage  = []string{"Accept-Encoding, Accept-Language, Authorization"}
	anyOrigin     = []string{"*"}
	privateAnswer = []string{"private, no-cache"}
	previewAnswer = []string{"private, no-store"}
)

// newAnswer readies a body. kept says whether others may keep it, and how long.
func newAnswer(body []byte, rev int64, kind []string) *answer {
	a := &answer{body: body, kind: kind, vary: varyEncoding, base: digest(body, rev), control: privateAnswer}
	a.plain = variant{body: body, tag: []string{`"` + a.base + `"`}, length: []string{strconv.Itoa(len(body))}}
	return a
}

// digest names a body in an entity tag: the revision, so that the tag can be sent back as If-Match, and 64 bits of it.
func digest(body []byte, rev int64) string {
	var b [40]byte
	out := b[:0]
	if rev > 0 {
		out = append(strconv.AppendInt(out, rev, 10), '-')
	}
	return string(strconv.AppendUint(out, xxhash.Sum64(body), 36))
}

// open lets others keep the answer.
func (a *answer) open(maxAge, stale time.Duration, until time.Time, tags []string) *answer {
	a.public, a.maxAge, a.stale, a.until = true, max(0, maxAge), max(0, stale), until
	a.control = []string{publicFor(a.maxAge, a.stale)}
	if len(tags) > 0 {
		a.tags = []string{strings.Join(fewTags(tags), ",")}
	}
	return a
}

// maxTags bounds the tags of one answer: beyond it only the types are named, which a purge by type still finds. A header of
// forty identifiers costs a tenth of a kept list's requests a second, and proxies refuse long ones.
const maxTags = 8

func fewTags(tags []string) []string {
	if len(tags) <= maxTags {
		return tags
	}
	var types []string
	for _, t := range tags {
		if !strings.Contains(t, "/") {
			types = append(types, t)
		}
	}
	return types
}

func publicFor(maxAge, stale time.Duration) string {
	s := "public, max-age=" + strconv.Itoa(int(maxAge/time.Second))
	if stale >= time.Second {
		s += ", stale-while-revalidate=" + strconv.Itoa(int(stale/time.Second))
	}
	return s
}

// cacheControl gives the header for now: nobody keeps an answer beyond the moment at which it changes by itself.
func (a *answer) cacheControl(now time.Time) []string {
	if !a.public || a.until.IsZero() {
		return a.control
	}
	left := a.until.Sub(now)
	if left >= a.maxAge+a.stale+time.Second {
		return a.control
	}
	age := max(0, min(a.maxAge, left.Truncate(time.Second)))
	return []string{publicFor(age, max(0, min(a.stale, left-age).Truncate(time.Second)))}
}

// in gives the answer in an encoding, packing it at first.
func (a *answer) in(p packing) *variant {
	if p == identity0 {
		return &a.plain
	}
	lazy := &a.packed[p]
	if v := lazy.made.Load(); v != nil {
		return v
	}
	lazy.once.Do(func() { lazy.made.Store(a.pack(p)) })
	return lazy.made.Load()
}

// pack gives the plain variant where packing gains nothing.
func (a *answer) pack(p packing) *variant {
	body := p.pack(a.body)
	if len(body) >= len(a.body) {
		return &a.plain
	}
	if a.grown != nil {
		a.grown(len(body))
	}
	return &variant{body: body, encoding: p.header(), length: []string{strconv.Itoa(len(body))},
		tag: []string{`"` + a.base + "-" + p.String() + `"`}}
}

// send writes an answer, or 304 when the caller has it already, and gives the bytes of the body.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a *answer) int {
	v := a.in(accepted(first(r.Header, "Accept-Encoding"), len(a.body)))
	h := w.Header()
	s.describe(h, a, v)
	if theirs := r.Header["If-None-Match"]; theirs != nil && listed(theirs, v.tag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return 0
	}
	h["Content-Type"], h["Content-Length"] = a.kind, v.length
	if v.encoding != nil {
		h["Content-Encoding"] = v.encoding
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return 0
	}
	if len(v.body) > roomy {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)) // in tests there is none to set
	}
	n, _ := w.Write(v.body)
	return n
}

// roomy is more than a connection's buffers take: only such a body can keep a slow reader's connection waiting.
const roomy = 64 << 10

// describe sets what a 304 says too.
func (s *Server) describe(h http.Header, a *answer, v *variant) {
	h["Etag"], h["Vary"] = v.tag, a.vary
	if !a.until.IsZero() {
		h["Cache-Control"] = a.cacheControl(s.now())
	} else {
		h["Cache-Control"] = a.control
	}
	if !a.public {
		return
	}
	h["Access-Control-Allow-Origin"] = anyOrigin
	if a.tags != nil {
		h["Cache-Tag"] = a.tags
	}
}

// listed reports whether an If-None-Match names a tag, by the weak comparison of RFC 9110 that it asks for.
func listed(theirs []string, tag string) bool {
	for _, line := range theirs {
		if strings.TrimSpace(line) == "*" {
			return true
		}
		for one := range strings.SplitSeq(line, ",") {
			if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
				return true
			}
		}
	}
	return false
}
