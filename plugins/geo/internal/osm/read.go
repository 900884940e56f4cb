package osm

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/paulmach/orb"
)

// defaultMaxNodes takes 256 MB, and all roads of a French région.
const defaultMaxNodes = 16 << 20

// Feature is one element that the filter chose. Geometry is a Point, a LineString, a Polygon or a MultiPolygon.
type Feature struct {
	ID       string // "node/123", "way/123", "relation/123"
	Geometry orb.Geometry
	Tags     map[string]string
}

// Options say what to take from an extract.
type Options struct {
	Filter   Filter
	Progress func(Progress) // called on the caller's goroutine after each block; may be nil
	MaxNodes int            // nodes held at once; 16,777,216 when zero
	Workers  int            // blocks decoded at once; as many as there are processors, four at most, when zero
}

// Progress tells how far Read has come: the bytes read of those that its step reads.
type Progress struct {
	Step, Steps int // the file is read in up to four steps
	Read, Total int64
}

func (o Options) withDefaults() Options {
	if o.MaxNodes <= 0 {
		o.MaxNodes = defaultMaxNodes
	}
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// Read calls emit, on the caller's goroutine, for each feature that the filter chooses: the nodes, then the ways, then the
// relations, each in the order of the file. It reads r, of the given size, several times and does not close it. An error of
// emit ends the reading and is returned as it is; what has been handed out until an error is the caller's to throw away.
// Elements that the extract holds in part, or that cannot be drawn, are no error: the report counts them.
func Read(ctx context.Context, r io.ReaderAt, size int64, o Options, emit func(Feature) error) (Report, error) {
	o = o.withDefaults()
	frames, err := listFrames(r, size)
	if err != nil {
		return Report{}, err
	}
	e := &extraction{scanner: newScanner(r, o.Workers), frames: frames, o: o, emit: emit, members: map[int64][]int64{}}
	if err := e.readHeaders(); err != nil {
		return Report{}, err
	}
	for _, step := range []func(context.Context) error{e.choose, e.findMembers, e.findPlaces, e.drawWays, e.drawAreas} {
		if err := step(ctx); err != nil {
			return e.report, err
		}
	}
	return e.report, nil
}

// extraction is one reading of a file.
type extraction struct {
	scanner *scanner
	frames  []frame
	o       Options
	emit    func(Feature) error
	report  Report

	nodes       idSet             // in use by what was chosen
	areas       []area            // chosen relations
	memberships int               // how many ways they list
	members     map[int64][]int64 // way → nodes, of the ways of areas
	places      places
}

// readHeaders reads the header blocks: what they demand counts for the file, and the first tells whence it comes.
func (e *extraction) readHeaders() error {
	var own buffers
	for i, f := range e.frames {
		if !f.header {
			continue
		}
		data, err := own.load(e.scanner.r, f)
		if err != nil {
			return err
		}
		h, err := readHeader(data)
		if err != nil {
			return unreadable(f.offset, err)
		}
		if i == 0 {
			e.report.describe(h)
		}
	}
	return nil
}

// need notes the nodes of a chosen way or area.
func (e *extraction) need(nodes []int64) error {
	e.nodes.add(nodes...)
	if len(e.nodes.ids) <= e.o.MaxNodes || len(e.nodes.settle()) <= e.o.MaxNodes {
		return nil
	}
	return e.tooMuch()
}

func (e *extraction) tooMuch() error {
	return refuse(fmt.Sprintf("The filter chooses ways with more than %d nodes. Ask for less, or use a smaller extract.", e.o.MaxNodes),
		fmt.Sprintf("Le filtre retient des chemins de plus de %d nœuds. Demandez-en moins, ou prenez un extrait plus petit.", e.o.MaxNodes))
}

// pass runs one step over the chosen frames and tells of its progress.
func pass[T any](ctx context.Context, e *extraction, step int, want func(frame) bool, work func(*block) (T, error), take func(int, T) error) error {
	p := Progress{Step: step, Steps: 4}
	var chosen []int
	for i, f := range e.frames {
		if !f.header && want(f) {
			chosen, p.Total = append(chosen, i), p.Total+f.size
		}
	}
	return scan(ctx, e.scanner, e.frames, chosen, work, func(i int, found T) error {
		if err := take(i, found); err != nil {
			return err
		}
		p.Read += e.frames[i].size
		e.o.Progress(p)
		return nil
	})
}
