"""Connecting locations, and their settings.

===================  =========================================================
module               holds
===================  =========================================================
`connection`         connects a location by private token, grant or settings
`location_settings`  a location's recovery window, thresholds, disconnection
`oauth_install`      installs the OAuth app and connects its locations
`oauth_routes`       the two addresses of an installation
===================  =========================================================
"""
