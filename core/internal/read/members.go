package read

import (
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// member is a set of the members that the system adds, beside _id and _type, which are always there.
type member uint32

const (
	showRev member = 1 << iota
	showStatus
	showLocale
	showCreatedAt
	showUpdatedAt
	showPublishedAt
	showCreatedBy
	showUpdatedBy
	showPublished
	showSchedule
	showTrashedAt
	showScore
	showHighlights
	showDistance
)

const (
	publicMembers    = showRev | showStatus | showLocale | showCreatedAt | showUpdatedAt | showPublishedAt
	editorialMembers = publicMembers | showCreatedBy | showUpdatedBy | showPublished | showSchedule
)

// membersOf gives the members of an entry in a state.
func membersOf(state core.State) member {
	switch state {
	case core.StateDraft:
		return editorialMembers
	case core.StateTrash:
		return editorialMembers | showTrashedAt
	default:
		return publicMembers
	}
}

var memberNames = map[string]member{"_rev": showRev, "_status": showStatus, "_locale": showLocale, "_createdAt": showCreatedAt,
	"_updatedAt": showUpdatedAt, "_publishedAt": showPublishedAt, "_createdBy": showCreatedBy, "_updatedBy": showUpdatedBy, "_published": showPublished,
	"_schedule": showSchedule, "_trashedAt": showTrashedAt, "_score": showScore, "_highlights": showHighlights, "_distance": showDistance}

func namedMembers(fields *selection) member {
	var show member
	for name := range fields.below {
		show |= memberNames[name]
	}
	return show
}

// appendMembers writes the opening brace and the members that the system adds.
func appendMembers(b []byte, v *core.View, locale core.Locale, sh *shape) []byte {
	show := sh.show
	b = append(append(append(b, `{"_id":"`...), v.ID...), `","_type":"`...)
	b = append(append(b, v.Type...), '"')
	if show&showRev != 0 {
		b = strconv.AppendInt(append(b, `,"_rev":`...), v.Rev, 10)
	}
	if show&showStatus != 0 {
		b = jsondoc.AppendString(append(b, `,"_status":`...), string(v.Status))
	}
	if show&showLocale != 0 && locale != "" {
		b = append(append(append(b, `,"_locale":"`...), locale...), '"')
	}
	if show&showCreatedAt != 0 {
		b = appendTime(append(b, `,"_createdAt":`...), v.CreatedAt)
	}
	if show&showUpdatedAt != 0 {
		b = appendTime(append(b, `,"_updatedAt":`...), v.UpdatedAt)
	}
	if show&showPublishedAt != 0 {
		b = appendTime(append(b, `,"_publishedAt":`...), v.PublishedAt)
	}
	if show&^publicMembers != 0 {
		b = appendRare(b, v, sh)
	}
	return b
}

// appendRare writes what only editors, searches and circles have.
func appendRare(b []byte, v *core.View, sh *shape) []byte {
	show := sh.show
	if show&showCreatedBy != 0 {
		b = jsondoc.AppendString(append(b, `,"_createdBy":`...), v.CreatedBy)
	}
	if show&showUpdatedBy != 0 {
		b = jsondoc.AppendString(append(b, `,"_updatedBy":`...), v.UpdatedBy)
	}
	if show&showPublished != 0 {
		b = strconv.AppendBool(append(b, `,"_published":`...), v.Public)
	}
	if show&showSchedule != 0 {
		b = appendSchedule(append(b, `,"_schedule":`...), v.Schedule)
	}
	if show&showTrashedAt != 0 {
		b = appendTime(append(b, `,"_trashedAt":`...), v.TrashedAt)
	}
	if show&showScore != 0 {
		b = strconv.AppendFloat(append(b, `,"_score":`...), v.Score, 'g', 6, 64)
	}
	if show&showDistance != 0 {
		b = strconv.AppendFloat(append(b, `,"_distance":`...), v.Distance, 'f', 0, 64)
	}
	if show&showHighlights != 0 {
		b = appendHighlights(append(b, `,"_highlights":`...), v.Highlights, sh)
	}
	return b
}

// appendTime writes RFC 3339 in UTC; no moment is null.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendSchedule(b []byte, schedule []core.Scheduled) []byte {
	b = append(b, '[')
	for i, s := range schedule {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(append(b, `{"transition":`...), s.Transition)
		b = jsondoc.AppendString(append(b, `,"to":`...), string(s.To))
		b = appendTime(append(b, `,"at":`...), s.At)
		b = append(jsondoc.AppendString(append(b, `,"by":`...), s.By), '}')
	}
	return append(b, ']')
}

// appendHighlights shows the fragments of fields that are shown: a fragment is a piece of one.
func appendHighlights(b []byte, fragments map[string][]string, sh *shape) []byte {
	fields := make([]string, 0, len(fragments))
	for f := range fragments {
		if _, ok := sh.t.Field(f); ok && sh.scope.Readable(sh.t, f) {
			fields = append(fields, f)
		}
	}
	sort.Strings(fields)
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(jsondoc.AppendString(b, f), ':'), jsondoc.Encode(texts(fragments[f]))...)
	}
	return append(b, '}')
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// appendExtra writes what plugins add, by name.
func appendExtra(b []byte, it *item, sh *shape) []byte {
	names := make([]string, 0, len(it.extra))
	for name, v := range it.extra {
		if v != nil && (sh.all || sh.named.below[name] != nil) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b = append(jsondoc.AppendString(append(b, ','), name), ':')
		b = append(b, jsondoc.Encode(it.extra[name])...)
	}
	return b
}
