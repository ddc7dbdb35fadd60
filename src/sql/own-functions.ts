/** The names of the server's own functions, for every reader that must distinguish them from stored ones. */

/** What is another value at each call, or at another time, without a write: words of the language, which need no brackets; */
export const MOMENT_WORDS = 'current_date current_time current_timestamp localtime localtimestamp utc_date utc_time utc_timestamp';

/** and functions. */
export const MOMENT_FUNCTIONS = `binlog_gtid_pos curdate curtime encrypt icu_version now rand random_bytes sys_guid sysdate uuid uuid_short uuid_v4 uuid_v7 uuidv4 uuidv7
  version wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid`;

/** Functions of both servers that only compute (MySQL reference manual, "Functions and Operators"; MariaDB knowledge base, "Built-in Functions"). */
export const COMPUTING_FUNCTIONS = `abs acos add_months adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and bit_count
  bit_length bit_or bit_xor cast ceil ceiling char_length character_length charset chr coalesce coercibility collation column_add
  column_check column_create column_delete column_exists column_get column_json column_list compress concat concat_ws conv convert
  convert_tz cos cot count crc32 crc32c cume_dist date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear decode
  decode_oracle default degrees dense_rank des_decrypt des_encrypt distance elt encode etag exp export_set extract extractvalue field
  find_in_set first_value floor format format_bytes format_pico_time from_base64 from_days from_unixtime from_vector get_format greatest
  group_concat grouping gtid_subset gtid_subtract hex hour ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa instr is_ipv4 is_ipv4_compat
  is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append json_array_insert json_array_intersect json_arrayagg json_compact
  json_contains json_contains_path json_depth json_detailed json_equals json_exists json_extract json_insert json_key_value json_keys
  json_length json_loose json_merge json_merge_patch json_merge_preserve json_normalize json_object json_object_filter_keys
  json_object_to_array json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace json_schema_valid
  json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table json_type json_unquote json_valid
  json_value kdf lag last_day last_value lcase lead least length lengthb ln locate log log10 log2 lower lpad lpad_oracle ltrim ltrim_oracle
  make_set makedate maketime max md5 median microsecond mid min minute mod month monthname name_const natural_sort_key nth_value ntile
  nullif nvl nvl2 oct octet_length old_password ord password percent_rank percentile_cont percentile_disc period_add period_diff pi position
  pow power quarter quote radians rank regexp_instr regexp_like regexp_replace regexp_substr replace_oracle reverse round row_number rownum
  rpad rpad_oracle rtrim rtrim_oracle sec_to_time second sformat sha sha1 sha2 sign sin soundex space sqrt statement_digest
  statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector subdate substr substr_oracle substring
  substring_index subtime sum tan time_format time_to_sec timediff timestampadd timestampdiff to_base64 to_char to_days to_number to_seconds
  to_vector trim trim_oracle truncate ucase uncompress uncompressed_length unhex updatexml upper uuid_to_bin validate_password_strength
  var_pop var_samp variance vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext vector_dim vector_to_string week
  weekday weekofyear weight_string yearweek`;
