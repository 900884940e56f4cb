package osm

import (
	"slices"
	"time"

	"github.com/paulmach/orb"

	"github.com/palabre-cms/palabre/core"
)

// Report tells what Read made of an extract.
type Report struct {
	Points, Lines, Areas int
	Bounds               orb.Bound // of the features; empty when there are none
	Skipped              []Skip    // what was left out, by reason, in the order of first appearance

	Timestamp   time.Time  // up to when the extract follows OpenStreetMap; zero when it does not say
	Extent      *orb.Bound // the region of the extract; nil when it does not say
	Program     string     // what wrote the file
	Source      string     // where the data come from, as the file says it
	Replication string     // where its updates are published, if anywhere
}

// Skip is a reason why elements were left out.
type Skip struct {
	Reason   core.Text // in English and French
	Count    int
	Examples []string // the first of them, as Feature.ID
}

// maxExamples keeps reports short, maxReasons keeps out a file that makes up thousands of relation types.
const (
	maxExamples = 5
	maxReasons  = 50
)

// Features is how many features were handed out.
func (r *Report) Features() int { return r.Points + r.Lines + r.Areas }

// Left is how many chosen elements were left out.
func (r *Report) Left() int {
	n := 0
	for _, s := range r.Skipped {
		n += s.Count
	}
	return n
}

func (r *Report) describe(h header) {
	r.Timestamp, r.Extent, r.Program, r.Source, r.Replication = h.timestamp, h.bounds, h.program, h.source, h.replication
}

func (r *Report) count(f Feature) {
	bounds := f.Geometry.Bound()
	if r.Features() > 0 {
		bounds = bounds.Union(r.Bounds)
	}
	r.Bounds = bounds
	switch f.Geometry.(type) {
	case orb.Point:
		r.Points++
	case orb.LineString:
		r.Lines++
	default:
		r.Areas++
	}
}

func (r *Report) skip(id string, reason core.Text) {
	i := slices.IndexFunc(r.Skipped, func(s Skip) bool { return s.Reason["en"] == reason["en"] })
	if i < 0 && len(r.Skipped) >= maxReasons {
		i = maxReasons - 1
	}
	if i < 0 {
		i, r.Skipped = len(r.Skipped), append(r.Skipped, Skip{Reason: reason})
	}
	s := &r.Skipped[i]
	if s.Count++; len(s.Examples) < maxExamples {
		s.Examples = append(s.Examples, id)
	}
}
