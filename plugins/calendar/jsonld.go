package calendar

import (
	"encoding/json"
	"time"
)

type object = map[string]any

const schemaOrg = "https://schema.org"

// jsonLD is the event as schema.org has it. It is written so that it can stand in a page: no character of it ends a script.
func (h *happening) jsonLD() []byte {
	o := h.described()
	o["@context"] = schemaOrg
	var parts []any
	for _, s := range h.sessions {
		parts = append(parts, s.described())
	}
	add := func(name string, v any, has bool) {
		if has {
			o[name] = v
		}
	}
	add("subEvent", parts, len(parts) > 0)
	add("keywords", h.categories, len(h.categories) > 0)
	add("previousStartDate", h.formerDates(), len(h.former) > 0)
	add("inLanguage", h.lang, h.lang != "")
	body, _ := json.Marshal(o) // of texts alone: it never fails
	return body
}

// described is what an event and a session have in common.
func (h *happening) described() object {
	o := object{"@type": "Event", "identifier": h.id, "name": h.title, "startDate": h.date(h.start), "eventStatus": schemaOrg + "/" + statusNames[h.standing]}
	if !h.end.IsZero() {
		o["endDate"] = h.date(h.end)
	}
	if name := modeNames[h.attendance()]; name != "" {
		o["eventAttendanceMode"] = schemaOrg + "/" + name
	}
	if h.description != "" {
		o["description"] = h.description
	}
	if h.page != "" {
		o["url"] = h.page
	}
	if where := h.location(); where != nil {
		o["location"] = where
	}
	return o
}

var statusNames = map[standing]string{planned: "EventScheduled", tentative: "EventScheduled", moved: "EventRescheduled",
	postponed: "EventPostponed", movedOnline: "EventMovedOnline", cancelled: "EventCancelled"}

var modeNames = map[mode]string{onSite: "OfflineEventAttendanceMode", online: "OnlineEventAttendanceMode", mixed: "MixedEventAttendanceMode"}

// attendance is online for an event that was moved there, whatever it was planned as.
func (h *happening) attendance() mode {
	if h.standing == movedOnline {
		return online
	}
	return h.mode
}

func (h *happening) date(at time.Time) string {
	if h.allDay {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.RFC3339)
}

// formerDates are one or several.
func (h *happening) formerDates() any {
	if len(h.former) == 1 {
		return h.date(h.former[0])
	}
	var dates []string
	for _, at := range h.former {
		dates = append(dates, h.date(at))
	}
	return dates
}

// location is the place, the page of what is online, or both.
func (h *happening) location() any {
	var all []object
	if p := h.placeLD(); p != nil && h.attendance() != online {
		all = append(all, p)
	}
	if (h.attendance() == online || h.attendance() == mixed) && h.page != "" {
		all = append(all, object{"@type": "VirtualLocation", "url": h.page})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

func (h *happening) placeLD() object {
	if h.place == (venue{}) && h.point == nil {
		return nil
	}
	p, address := object{"@type": "Place"}, object{"@type": "PostalAddress"}
	for name, v := range map[string]string{"streetAddress": h.place.street, "postalCode": h.place.postcode, "addressLocality": h.place.city} {
		if v != "" {
			address[name] = v
		}
	}
	if len(address) > 1 {
		p["address"] = address
	}
	if h.place.name != "" {
		p["name"] = h.place.name
	}
	if h.point != nil {
		p["geo"] = object{"@type": "GeoCoordinates", "latitude": h.point.lat, "longitude": h.point.lon}
	}
	return p
}
