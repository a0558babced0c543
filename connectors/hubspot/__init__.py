"""HubSpot as a CRM: won deals come in as orders, companies as customers, progress goes back to the deal."""
