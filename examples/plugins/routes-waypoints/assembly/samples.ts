// One route and one waypoint to begin with, in the waters south of Langeland.

/** The id of the sample waypoint. */
export const WAYPOINT_ID = '3b1f0f4e-5d0a-4c57-9a43-6b7c3e0f8d21'

/** An anchorage. */
export const WAYPOINT = '{"name":"Bagenkop","description":"Anchorage north of the harbour, good in easterly winds","type":"anchorage","feature":{"type":"Feature","geometry":{"type":"Point","coordinates":[10.6667,54.7583]},"properties":{}}}'

/** The id of the sample route. */
export const ROUTE_ID = '8c5e2a90-1f6b-4d3e-b7a8-2d9f4c6e1b05'

/** From Kiel to Bagenkop; the distance is in metres. */
export const ROUTE = '{"name":"Kiel to Bagenkop","description":"From the lighthouse of Kiel across the shipping lane","distance":37500,"feature":{"type":"Feature","geometry":{"type":"LineString","coordinates":[[10.2733,54.4995],[10.45,54.62],[10.6567,54.7533]]},"properties":{}}}'
