-- settings: make the text of a value depend on the value alone.
set extra_float_digits = 3;
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set timezone = 'UTC';
set bytea_output = 'hex';
set xmlbinary = 'base64';
set lc_monetary = 'C';
set row_security = off;
set search_path = '';
set jit = off;
